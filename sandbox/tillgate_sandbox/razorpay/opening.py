"""Opening orders and payment links, as strictly as Razorpay.

https://razorpay.com/docs/api/orders/create, /api/payments/payment-links/create-standard and the
error index of /docs/payments/payment-gateway/s2s-integration/test-s2s.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from service.core.clock import from_unix
from service.core.ids import new_id
from service.core.money import LARGEST_AMOUNT, currency_exists
from service.core.strict_json import JsonObject
from service.providers.reading import inner, text, whole
from tillgate_sandbox.documents import CheckoutKind, SandboxCheckout
from tillgate_sandbox.razorpay.refusals import Refusal
from tillgate_sandbox.razorpay.render import LINK, ORDER, made_id
from tillgate_sandbox.repository import KEEP_FOR

_LONGEST_REFERENCE = 40
_MOST_NOTES, _LONGEST_NOTE = 15, 256
SMALLEST = {"INR": 100}
"""The least that is paid or refunded, in minor units; elsewhere it is one of them."""
_SHORTEST_LINK = timedelta(minutes=15)
_USUAL_LIFE = timedelta(days=182)

_ORDER_FIELDS = frozenset(
    {
        "amount",
        "currency",
        "receipt",
        "notes",
        "partial_payment",
        "first_payment_min_amount",
        "payment_capture",
        "customer_id",
    }
)
_LINK_FIELDS = frozenset(
    {
        "amount",
        "currency",
        "accept_partial",
        "first_min_partial_amount",
        "reference_id",
        "description",
        "customer",
        "expire_by",
        "callback_url",
        "callback_method",
        "notify",
        "reminder_enable",
        "notes",
        "upi_link",
        "options",
    }
)


def read_order(given: JsonObject, now: datetime) -> SandboxCheckout:
    """Read the request for an order. Raises `Refusal`.

    The receipt makes the id, so that the unique `_id` keeps receipts unique, whoever comes first.
    """
    receipt = _checked(given, _ORDER_FIELDS, "receipt")
    # The shop opens the page by the id that it knows: at Razorpay, Checkout.js draws it.
    order_id = made_id(ORDER, "receipt", receipt or new_id("order"))
    return _checkout("order", order_id, order_id, given, now)


def read_link(given: JsonObject, now: datetime) -> SandboxCheckout:
    """Read the request for a payment link. Raises `Refusal`."""
    reference = _checked(given, _LINK_FIELDS, "reference_id")
    expires_at = read_expiry(given, now)
    link_id = made_id(LINK, "reference_id", reference or new_id("link"))
    checkout = _checkout("link", link_id, new_id("rzp"), given, now)
    checkout.expires_at = expires_at
    checkout.success_url = text(given, "callback_url")
    return checkout


def _checkout(
    kind: CheckoutKind, checkout_id: str, page_id: str, given: JsonObject, now: datetime
) -> SandboxCheckout:
    reference = text(given, "receipt") or text(given, "reference_id")
    return SandboxCheckout(
        id=checkout_id,
        provider="razorpay",
        kind=kind,
        page_id=page_id,
        session_id=text(inner(given, "notes"), "sessionId") or reference or checkout_id,
        amount=whole(given, "amount") or 0,
        currency=(text(given, "currency") or "INR").upper(),
        request=given,
        created_at=now,
        updated_at=now,
        purge_at=now + KEEP_FOR,
    )


def _checked(given: JsonObject, known: Collection[str], reference: str) -> str | None:
    """Check what orders and links share; return the merchant's own reference."""
    check_fields(given, known)
    _check_money(given)
    check_notes(given)
    return read_reference(given, reference)


def check_fields(given: JsonObject, known: Collection[str]) -> None:
    """Refuse fields that a call does not take. Raises `Refusal`."""
    extra = next((name for name in given if name not in known), None)
    if extra is not None:
        raise Refusal(
            f"{extra} is/are not required and should not be sent", reason="extra_field_sent"
        )


def read_reference(given: JsonObject, reference: str) -> str | None:
    """Read the merchant's own reference, None without one. Raises `Refusal`."""
    own = given.get(reference)
    if own is None:
        return None
    if not isinstance(own, str):
        raise Refusal(f"The {reference} must be a string.", field=reference)
    if len(own) > _LONGEST_REFERENCE:
        raise Refusal(
            f"The {reference} may not be greater than {_LONGEST_REFERENCE} characters.",
            field=reference,
        )
    return own or None


def _check_money(given: JsonObject) -> None:
    if given.get("amount") is None:
        raise Refusal("amount: is required.", field="amount")
    amount = whole(given, "amount")
    if amount is None or amount > LARGEST_AMOUNT:
        raise Refusal("The amount must be an integer.", field="amount")
    currency = given.get("currency", "INR")
    if not isinstance(currency, str) or not currency_exists(currency.upper()):
        raise Refusal("Currency is not supported", field="currency")
    if amount < SMALLEST.get(currency.upper(), 1):
        raise Refusal(
            "Order amount less than minimum amount allowed",
            field="amount",
            step="order_creation",
            reason="amount_less_than_minimum_amount",
        )


def check_notes(given: JsonObject) -> None:
    """Check what notes may be. Raises `Refusal`."""
    notes = given.get("notes") or {}
    if not isinstance(notes, dict):
        raise Refusal("notes must be an object.", field="notes")
    if len(notes) > _MOST_NOTES:
        raise Refusal(
            f"Number of fields in notes should be less than or equal to {_MOST_NOTES}",
            field="notes",
        )
    if any(len(str(note)) > _LONGEST_NOTE for note in notes.values()):
        raise Refusal(f"notes may not be greater than {_LONGEST_NOTE} characters.", field="notes")


def read_expiry(given: JsonObject, now: datetime) -> datetime:
    """Read until when a link can be paid. Raises `Refusal`."""
    if given.get("expire_by") is None:
        return now + _USUAL_LIFE
    expires_at = from_unix(whole(given, "expire_by") or 0)
    if expires_at < now + _SHORTEST_LINK:
        raise Refusal("timestamp must be atleast 15 minutes in future", field="expire_by")
    return expires_at
