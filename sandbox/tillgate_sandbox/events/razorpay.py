"""Razorpay's events (https://razorpay.com/docs/webhooks/payloads/payments)."""

import json

from service.core.strict_json import JsonObject
from service.providers.razorpay.verify import EVENT_ID_HEADER, SIGNATURE_HEADER
from service.providers.signing import hmac_sha256_hex
from tillgate_sandbox.events.sale import Outcome, OutcomeUnknownToProvider, Sale, SignedEvent

_STATUS = {
    Outcome.SUCCEEDED: "captured",
    Outcome.PROCESSING: "authorized",
    Outcome.FAILED: "failed",
}


def razorpay_event(sale: Sale, outcome: Outcome, secret: str) -> SignedEvent:
    """Build and sign the event that tells an outcome: hex HMAC-SHA256 of the body.

    Raises `OutcomeUnknownToProvider` for an order that expires: only payment links do; and for a
    payment that names its order alone, where no order was opened.
    """
    by_link = (sale.checkout_ref or "").startswith("plink_")
    kind, entities = _told(sale, outcome, by_link=by_link)
    at = int(sale.at.timestamp())
    event: JsonObject = {
        "entity": "event",
        "account_id": "acc_Tillgate000000",
        "event": kind,
        "contains": list(entities),
        "payload": {name: {"entity": entity} for name, entity in entities.items()},
        "created_at": at,
    }
    body = json.dumps(event, indent=2).encode()
    event_id = sale.made_id("", kind, length=14)
    headers = {
        "Content-Type": "application/json",
        SIGNATURE_HEADER: hmac_sha256_hex(secret, body),
        EVENT_ID_HEADER: event_id,
    }
    return SignedEvent(kind, event_id, body, headers)


def _told(sale: Sale, outcome: Outcome, *, by_link: bool) -> tuple[str, dict[str, JsonObject]]:
    if outcome is Outcome.EXPIRED:
        if not by_link:
            raise OutcomeUnknownToProvider(
                "Razorpay never tells that an order expired, it tells so of payment links only. "
                "The session expires by the clock."
            )
        return "payment_link.expired", {"payment_link": _link(sale, "expired")}
    payment = _payment(sale, outcome)
    if outcome is Outcome.SUCCEEDED and by_link:
        entities = {"payment_link": _link(sale, "paid"), "payment": payment}
        return "payment_link.paid", entities
    if outcome is Outcome.SUCCEEDED:
        return "order.paid", {"payment": payment, "order": _order(sale)}
    if sale.checkout_ref is None:
        raise OutcomeUnknownToProvider(
            "Razorpay's events of a payment that is not captured name its order alone, and the "
            "session has none. Open its checkout first: POST /api/payments/create-checkout."
        )
    return f"payment.{_STATUS[outcome]}", {"payment": payment}


def _payment(sale: Sale, outcome: Outcome) -> JsonObject:
    failed = outcome is Outcome.FAILED
    return {
        # Each attempt is a payment of its own; an authorized one is captured under its id.
        "id": sale.made_id("pay_", failed, length=14),
        "entity": "payment",
        "amount": sale.amount,
        "currency": sale.currency,
        "status": _STATUS[outcome],
        "order_id": _order_id(sale),
        "invoice_id": None,
        "international": False,
        "method": "card",
        "amount_refunded": 0,
        "refund_status": None,
        "captured": outcome is Outcome.SUCCEEDED,
        "description": None,
        "card_id": sale.made_id("card_", length=14),
        "bank": None,
        "wallet": None,
        "vpa": None,
        "email": sale.email or "void@razorpay.com",
        "contact": "+919876543210",
        "notes": _notes(sale),
        "fee": None,
        "tax": None,
        "error_code": "BAD_REQUEST_ERROR" if failed else None,
        "error_description": "Your payment was declined by the bank." if failed else None,
        "error_source": "bank" if failed else None,
        "error_step": "payment_authorization" if failed else None,
        "error_reason": "payment_failed" if failed else None,
        "created_at": int(sale.at.timestamp()) - 6,
    }


def _order(sale: Sale) -> JsonObject:
    return {
        "id": _order_id(sale),
        "entity": "order",
        "amount": sale.amount,
        "amount_paid": sale.amount,
        "amount_due": 0,
        "currency": sale.currency,
        "receipt": sale.session_id,
        "status": "paid",
        "attempts": 1,
        "notes": _notes(sale),
        "created_at": int(sale.at.timestamp()) - 120,
    }


def _link(sale: Sale, status: str) -> JsonObject:
    return {
        "id": sale.checkout_ref,
        "amount": sale.amount,
        "amount_paid": sale.amount if status == "paid" else 0,
        "currency": sale.currency,
        "order_id": _order_id(sale),
        "reference_id": sale.session_id,
        "notes": _notes(sale),
        "status": status,
        "created_at": int(sale.at.timestamp()) - 120,
    }


def _order_id(sale: Sale) -> str:
    """Return the order that was opened, or the one of the sandbox's payment link."""
    ref = sale.checkout_ref or ""
    if ref.startswith("plink_"):
        return f"order_{ref.removeprefix('plink_')}"
    return ref if ref.startswith("order_") else sale.made_id("order_", length=14)


def _notes(sale: Sale) -> JsonObject:
    return {"sessionId": sale.session_id, "merchantId": sale.merchant_id}
