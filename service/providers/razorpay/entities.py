"""What Razorpay's entities mean: a payment, and by which ids an event finds its session.

Shapes: https://razorpay.com/docs/webhooks/payments and /webhooks/payment-links.
"""

from datetime import datetime

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.base import CheckoutRequest
from service.providers.facts import Details, MethodDetails, Payment, Subject
from service.providers.reading import (
    amount,
    distinct,
    first_word,
    inner,
    last_digits,
    masked_vpa,
    needed_amount,
    needed_text,
    sentences,
    text,
    whole,
    word,
)

_OF_AN_ERROR = ("error_code", "error_description", "error_source", "error_step", "error_reason")
# In `acquirer_data`: a card refund's, UPI's, net banking's, and a wallet's or a bank transfer's.
_BANK_REFERENCES = ("arn", "rrn", "bank_transaction_id", "utr", "transaction_id")
_LONGEST_NOTE = 256
_NOTHING = Details()
_NO_METHOD = MethodDetails()


def payment_of(
    entity: JsonObject, subscription_id: str | None = None, attempts: int | None = None
) -> Payment:
    """Read a payment entity; `attempts` stands in its order. Raises `MalformedBody`.

    `checkout_ref` is always the order, for a payment link too: the order is the one id that every
    event of a payment reports, so that the ledger row is the same whichever comes first.
    """
    return Payment(
        provider_payment_id=needed_text(entity, "id"),
        amount=needed_amount(entity),
        currency=needed_text(entity, "currency").upper(),
        method=text(entity, "method"),
        checkout_ref=text(entity, "order_id"),
        customer_id=text(entity, "customer_id"),
        subscription_id=subscription_id,
        email=text(entity, "email"),
        details=_details(entity, attempts),
    )


def failure_details(entity: JsonObject) -> JsonObject | None:
    """Return all that a payment entity says of its failure."""
    return sentences(entity, _OF_AN_ERROR)


def bank_reference(entity: JsonObject) -> str | None:
    """Return the bank's number of a payment or a refund."""
    return first_word(inner(entity, "acquirer_data"), _BANK_REFERENCES)


def was_captured(payment: JsonObject) -> bool:
    """Return whether a payment's money was taken, and perhaps given back since.

    One that was held and never captured also ends as `refunded`: nothing was ours then. Published
    samples show `captured` as true and as the string "1".
    """
    status = text(payment, "status")
    flagged = payment.get("captured") in (True, "1")
    return status == "captured" or (status == "refunded" and flagged)


def moment(entity: JsonObject, key: str) -> datetime | None:
    """Return Unix seconds as a moment; Razorpay writes 0 where there is none."""
    seconds = whole(entity, key)
    return from_unix(seconds) if seconds else None


def made_at(entity: JsonObject) -> datetime | None:
    """Return when an entity was made."""
    return moment(entity, "created_at")


def _details(entity: JsonObject, attempts: int | None) -> Details | None:
    """Read the rest of a payment entity. Razorpay names no country, and of taxes its own alone."""
    fee, fee_currency = _fee(entity)
    found = Details(
        fee=fee,
        fee_currency=fee_currency,
        fee_tax=None if fee is None else amount(entity, "tax"),
        invoice_id=word(entity, "invoice_id"),
        bank_reference=bank_reference(entity),
        method_id=first_word(entity, ("card_id", "token_id")),
        method_details=_method_details(entity),
        attempt_count=attempts,
        made_at=made_at(entity),
    )
    return found if found != _NOTHING else None


def _fee(entity: JsonObject) -> tuple[int | None, str | None]:
    """Return the fee and its currency, that of the account: `base_amount` is the amount in it.

    Where it is another than the customer's and is not named, nobody can tell what the number means.
    """
    fee, base = amount(entity, "fee"), whole(entity, "base_amount")
    named, converted = word(entity, "base_currency"), base not in (None, whole(entity, "amount"))
    found = named or (None if converted else word(entity, "currency"))
    return (fee, found.upper()) if fee is not None and found else (None, None)


def _method_details(entity: JsonObject) -> MethodDetails | None:
    """Read what a payment was made with; a card stands there in some webhooks only."""
    card, vpa = inner(entity, "card"), text(entity, "vpa") or text(inner(entity, "upi"), "vpa")
    found = MethodDetails(
        brand=word(card, "network") if card else None,
        last4=last_digits(card, "last4") if card else None,
        wallet=word(entity, "wallet"),
        bank=word(entity, "bank"),
        vpa=masked_vpa(vpa) if vpa else None,
    )
    return found if found != _NO_METHOD else None


def subject_of(
    *, payment: JsonObject, order: JsonObject, link: JsonObject, subscription: JsonObject
) -> Subject:
    """Gather the ids of one event, from those of its entities that are there (else empty ones).

    Notes of an order, a link or a subscription are a server's. Those of a payment are written by
    Checkout.js, so by whoever sits before the browser: they are not read at all.
    """
    order_ids = distinct(
        text(payment, "order_id"), _order_id(text(link, "order_id")), _order_id(text(order, "id"))
    )
    notes = [inner(entity, "notes") for entity in (order, link, subscription)]
    references = distinct(text(order, "receipt"), text(link, "reference_id"))
    return Subject(
        checkout_refs=distinct(text(link, "id"), text(subscription, "id"), *order_ids),
        object_ids=distinct(*order_ids, text(payment, "id")),
        sent_ids=distinct(*(text(note, "sessionId") for note in notes)),
        merchant_id=next(iter(distinct(*(text(note, "merchantId") for note in notes))), None),
        attempt_ids=references,
        references=references,
    )


def _order_id(given: str | None) -> str | None:
    """`payment_link.paid` shows the order's id without its prefix: that is no id to match by."""
    return given if given and given.startswith("order_") else None


def notes_of(request: CheckoutRequest) -> JsonObject:
    """Return what a server writes into the notes of what it opens."""
    given = {
        "sessionId": request.session_id,
        "merchantId": request.merchant_id,
        "userId": request.user_id,
        "plan": request.plan,
    }
    return {key: value[:_LONGEST_NOTE] for key, value in given.items() if value}
