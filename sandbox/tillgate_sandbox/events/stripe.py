"""Stripe's events, in the shape of API version 2026-10-28.endive.

https://docs.stripe.com/api/checkout/sessions/object and /api/payment_intents/object.
"""

import json

from service.core.strict_json import JsonObject
from service.providers.signing import hmac_sha256_hex
from tillgate_sandbox.events.sale import Outcome, Sale, SignedEvent

API_VERSION = "2026-10-28.endive"


def stripe_event(sale: Sale, outcome: Outcome, secret: str) -> SignedEvent:
    """Build and sign the event that tells an outcome: `Stripe-Signature: t=…,v1=…`."""
    kind, told = _told(sale, outcome)
    event_id = sale.made_id("evt_", kind)
    event: JsonObject = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(sale.at.timestamp()),
        "data": {"object": told},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    body = json.dumps(event, indent=2).encode()
    signed_at = str(int(sale.at.timestamp()))
    signature = hmac_sha256_hex(secret, signed_at.encode() + b"." + body)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={signed_at},v1={signature}",
    }
    return SignedEvent(kind, event_id, body, headers)


def _told(sale: Sale, outcome: Outcome) -> tuple[str, JsonObject]:
    match outcome:
        case Outcome.SUCCEEDED if sale.underway:
            return "checkout.session.async_payment_succeeded", _checkout(sale, "complete", "paid")
        case Outcome.SUCCEEDED:
            return "checkout.session.completed", _checkout(sale, "complete", "paid")
        case Outcome.PROCESSING:
            return "checkout.session.completed", _checkout(sale, "complete", "unpaid")
        case Outcome.EXPIRED:
            return "checkout.session.expired", _checkout(sale, "expired", "unpaid")
        case Outcome.FAILED if sale.underway:
            return "checkout.session.async_payment_failed", _checkout(sale, "complete", "unpaid")
        case Outcome.FAILED:
            return "payment_intent.payment_failed", _declined(sale)


def _checkout(sale: Sale, status: str, payment_status: str) -> JsonObject:
    ended = status == "complete"
    subscribes = sale.mode == "subscription"
    return {
        "id": sale.checkout_ref or sale.made_id("cs_test_", length=56),
        "object": "checkout.session",
        "amount_subtotal": sale.amount,
        "amount_total": sale.amount,
        "client_reference_id": sale.session_id,
        "created": int(sale.at.timestamp()) - 120,
        "currency": sale.currency.lower(),
        "customer": sale.made_id("cus_", length=14) if subscribes and ended else None,
        "customer_details": {"email": sale.email} if ended else None,
        "customer_email": sale.email,
        "expires_at": int(sale.at.timestamp()) + (3480 if ended else 0),
        "invoice": sale.made_id("in_") if subscribes and ended else None,
        "livemode": False,
        "metadata": _metadata(sale),
        "mode": sale.mode,
        "payment_intent": sale.made_id("pi_") if ended and not subscribes else None,
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "recovered_from": None,
        "status": status,
        "subscription": sale.made_id("sub_") if subscribes and ended else None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
    }


def _declined(sale: Sale) -> JsonObject:
    """A card that was declined: the customer may try another one in the same checkout."""
    return {
        "id": sale.made_id("pi_"),
        "object": "payment_intent",
        "amount": sale.amount,
        "amount_received": 0,
        "created": int(sale.at.timestamp()) - 60,
        "currency": sale.currency.lower(),
        "customer": None,
        "last_payment_error": {
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "Your card was declined.",
            "type": "card_error",
        },
        "livemode": False,
        "metadata": _metadata(sale),
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
    }


def _metadata(sale: Sale) -> JsonObject:
    """What we send along when we open a checkout, and get back."""
    metadata: JsonObject = {
        "checkoutSessionId": sale.session_id,
        "sessionId": sale.session_id,
        "merchantId": sale.merchant_id,
    }
    return metadata | ({"userId": sale.user_id} if sale.user_id else {})
