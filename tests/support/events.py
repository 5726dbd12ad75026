"""Real events of the providers, filled in for one session and genuinely signed."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stripe import WebhookSignature

from tests.support.settings import PHONEPE_SALT, RAZORPAY_SECRET, STRIPE_SECRET

SAMPLES = Path(__file__).parent.parent / "samples"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a provider posts: where to, which bytes, under which headers."""

    provider: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Return the route."""
        return f"/api/webhooks/{self.provider}"


def stripe_event(
    kind: str,
    found: dict[str, Any],
    *,
    event_id: str | None = None,
    created: int | None = None,
    secret: str = STRIPE_SECRET,
    signed_at: int | None = None,
    **envelope: Any,
) -> Delivery:
    """Make an event around an object, signed by Stripe's own library."""
    body = {
        "id": event_id or f"evt_{secrets.token_hex(12)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created or int(time.time()),
        "data": {"object": found},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    } | envelope
    return sign_stripe(json.dumps(body, indent=2).encode(), secret, signed_at)


def sign_stripe(body: bytes, secret: str = STRIPE_SECRET, signed_at: int | None = None) -> Delivery:
    """Sign bytes as Stripe does."""
    header = WebhookSignature.generate_signature_header(
        body.decode(), secret, timestamp=signed_at or int(time.time())
    )
    return Delivery("stripe", body, {"stripe-signature": header})


def stripe_checkout(session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a Checkout Session object that was opened for a session, complete and paid."""
    sample = json.loads((SAMPLES / "stripe" / "checkout.session.completed.json").read_bytes())
    found: dict[str, Any] = sample["data"]["object"]
    found |= {
        "id": f"cs_test_{session['sessionId']}",
        "payment_intent": f"pi_{session['sessionId']}",
        "amount_total": session["amount"],
        "amount_subtotal": session["amount"],
        "currency": session["currency"].lower(),
        "client_reference_id": session["sessionId"],
        "metadata": {"checkoutSessionId": session["sessionId"]},
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "subscription": None,
        "invoice": None,
        "recovered_from": None,
    }
    return found | fields


def stripe_intent(session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a Payment Intent object that was opened for a session, succeeded."""
    sample = json.loads((SAMPLES / "stripe" / "payment_intent.succeeded.json").read_bytes())
    found: dict[str, Any] = sample["data"]["object"]
    found |= {
        "id": f"pi_{session['sessionId']}",
        "amount": session["amount"],
        "amount_received": session["amount"],
        "currency": session["currency"].lower(),
        "metadata": {"sessionId": session["sessionId"]},
    }
    return found | fields


def stripe_completed(session: dict[str, Any], **fields: Any) -> Delivery:
    """Make the event that says that a session was paid."""
    return stripe_event("checkout.session.completed", stripe_checkout(session, **fields))


def razorpay_payment(session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a payment entity for a session."""
    sample = json.loads((SAMPLES / "razorpay" / "payment.captured.json").read_bytes())
    entity: dict[str, Any] = sample["payload"]["payment"]["entity"]
    entity |= {
        "id": f"pay_{session['sessionId']}",
        "order_id": f"order_{session['sessionId']}",
        "amount": session["amount"],
        "base_amount": session["amount"],
        "currency": session["currency"],
        "status": "captured",
        "notes": {"sessionId": session["sessionId"]},
    }
    return entity | fields


def razorpay_event(
    kind: str,
    entities: dict[str, dict[str, Any]],
    *,
    event_id: str | None = None,
    secret: str = RAZORPAY_SECRET,
    created: int | None = None,
) -> Delivery:
    """Make a webhook around entities, signed with the webhook secret."""
    body = json.dumps(
        {
            "entity": "event",
            "account_id": "acc_BFQ7uQEaa7j2z7",
            "event": kind,
            "contains": sorted(entities),
            "payload": {name: {"entity": entity} for name, entity in entities.items()},
            "created_at": created or int(time.time()),
        }
    ).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "x-razorpay-signature": signature,
        "x-razorpay-event-id": event_id or secrets.token_hex(7),
    }
    return Delivery("razorpay", body, headers)


def razorpay_captured(session: dict[str, Any], **fields: Any) -> Delivery:
    """Make the event that says that a session was paid."""
    return razorpay_event("payment.captured", {"payment": razorpay_payment(session, **fields)})


def phonepe_callback(
    session: dict[str, Any], *, state: str = "COMPLETED", code: str = "PAYMENT_SUCCESS", **data: Any
) -> Delivery:
    """Make a v1 callback, whose X-VERIFY covers what it says."""
    content = {
        "success": state == "COMPLETED",
        "code": code,
        "message": "Your payment is successful.",
        "data": {
            "merchantId": "MERCHANTUAT",
            "merchantTransactionId": session["sessionId"],
            "transactionId": f"T{session['sessionId']}",
            "amount": session["amount"],
            "state": state,
            "responseCode": "SUCCESS",
            "paymentInstrument": {"type": "UPI", "utr": "206378866112"},
        }
        | data,
    }
    encoded = base64.b64encode(json.dumps(content).encode()).decode()
    checksum = hashlib.sha256((encoded + PHONEPE_SALT).encode()).hexdigest()
    body = json.dumps({"response": encoded}).encode()
    return Delivery("phonepe", body, {"x-verify": f"{checksum}###1"})
