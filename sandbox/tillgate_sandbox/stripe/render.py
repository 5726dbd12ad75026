"""Stripe's objects, rendered from what the sandbox remembers.

In the shape of API version 2026-10-28.endive: https://docs.stripe.com/api/checkout/sessions/object,
/api/payment_intents/object, /api/refunds/object, /api/disputes/object.
"""

import hashlib
from datetime import datetime

from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import inner, text
from tillgate_sandbox.documents import (
    SandboxCheckout,
    SandboxDispute,
    SandboxMovement,
    SandboxPayment,
    SandboxRefund,
)
from tillgate_sandbox.states import CheckoutStatus, DisputeStatus, PaymentStatus
from tillgate_sandbox.stripe.declines import bounced_error, payment_error
from tillgate_sandbox.stripe.shapes import complete

API_VERSION = "2026-10-28.endive"

_STATUS = {
    CheckoutStatus.OPEN: "open",
    CheckoutStatus.PROCESSING: "complete",
    CheckoutStatus.PAID: "complete",
    CheckoutStatus.FAILED: "complete",
    CheckoutStatus.EXPIRED: "expired",
    CheckoutStatus.CANCELED: "expired",
}
_INTENT_STATUS = {
    PaymentStatus.DECLINED: "requires_payment_method",
    PaymentStatus.PROCESSING: "processing",
    PaymentStatus.AUTHORIZED: "requires_capture",
    PaymentStatus.SUCCEEDED: "succeeded",
    PaymentStatus.FAILED: "requires_payment_method",
    PaymentStatus.VOIDED: "canceled",
}
_DISPUTE_STATUS = {
    DisputeStatus.OPEN: "needs_response",
    DisputeStatus.UNDER_REVIEW: "under_review",
    DisputeStatus.WON: "won",
    DisputeStatus.LOST: "lost",
    DisputeStatus.CLOSED: "warning_closed",
}
# What Checkout offers beside cards, by currency. It has to be the same in every event of a payment.
_DELAYED_METHODS = {"EUR": "sepa_debit", "USD": "us_bank_account", "GBP": "bacs_debit"}


def derived_id(checkout: SandboxCheckout, prefix: str, length: int = 24) -> str:
    """Derive an id of something that belongs to a checkout; it is always the same."""
    return prefix + hashlib.sha256(f"{prefix}{checkout.id}".encode()).hexdigest()[:length]


def unix(at: datetime) -> int:
    """Return a moment as Stripe writes it."""
    return int(at.timestamp())


def subscribes(checkout: SandboxCheckout) -> bool:
    """Return whether a checkout opens a subscription."""
    return checkout.request.get("mode") == "subscription"


def checkout_session(checkout: SandboxCheckout, url: str | None = None) -> JsonObject:
    """Render a Checkout session; `url` is its pay page's, shown as long as it is open."""
    request = checkout.request
    status = _STATUS[checkout.status]
    done, subscription = status == "complete", subscribes(checkout)
    intent = checkout.payments[-1].id if checkout.payments and not subscription else None
    email = text(request, "customer_email")
    paying: JsonObject = {
        **dict.fromkeys(("address", "business_name", "individual_name", "name", "phone")),
        "email": email,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    return complete(
        {
            "id": checkout.id,
            "object": "checkout.session",
            "amount_subtotal": checkout.amount,
            "amount_total": checkout.amount,
            "cancel_url": checkout.cancel_url,
            "client_reference_id": text(request, "client_reference_id"),
            "created": unix(checkout.created_at),
            "currency": checkout.currency.lower(),
            "customer": _customer(checkout, done),
            "customer_details": paying if done else None,
            "customer_email": email,
            "expires_at": unix(checkout.expires_at or checkout.created_at),
            "invoice": derived_id(checkout, "in_1") if subscription and done else None,
            "metadata": inner(request, "metadata"),
            "mode": text(request, "mode"),
            "payment_intent": intent,
            "payment_method_types": _methods(checkout),
            "payment_status": _payment_status(checkout),
            "status": status,
            "subscription": derived_id(checkout, "sub_1") if subscription and done else None,
            "success_url": checkout.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted_page",
            "url": url if status == "open" else None,
        }
    )


def payment_intent(checkout: SandboxCheckout, payment: SandboxPayment) -> JsonObject:
    """Render the payment intent of an attempt; a subscription's does not carry our metadata."""
    own = {} if subscribes(checkout) else inner(checkout.request, "payment_intent_data", "metadata")
    charge_id = charge_id_of(payment)
    error: JsonObject | None = None
    if payment.status is PaymentStatus.DECLINED:
        error = payment_error(payment.decline_code, charge_id)
    elif payment.status is PaymentStatus.FAILED:
        error = bounced_error(charge_id)
    held = payment.status is PaymentStatus.AUTHORIZED
    received = payment.status is PaymentStatus.SUCCEEDED
    return complete(
        {
            "id": payment.id,
            "object": "payment_intent",
            "amount": payment.amount,
            "amount_capturable": payment.amount if held else 0,
            "amount_received": payment.amount if received else 0,
            "capture_method": "manual" if held else "automatic_async",
            "client_secret": f"{payment.id}_secret_sandbox",
            "created": unix(payment.at),
            "currency": payment.currency.lower(),
            "customer": _customer(checkout, done=True),
            "last_payment_error": error,
            "latest_charge": charge_id,
            "metadata": own,
            "payment_method_types": _methods(checkout),
            "status": _INTENT_STATUS[payment.status],
        }
    )


def charge(checkout: SandboxCheckout, payment: SandboxPayment) -> JsonObject:
    """Render the charge of a payment; API versions since 2022-11-15 leave its refunds out."""
    failed = payment.status in (PaymentStatus.DECLINED, PaymentStatus.FAILED)
    captured = payment.status is PaymentStatus.SUCCEEDED
    pending = payment.status is PaymentStatus.PROCESSING
    error = payment_error(payment.decline_code, "") if failed else {}
    seller_message = text(error, "message") or "Payment complete."
    return complete(
        {
            "id": charge_id_of(payment),
            "object": "charge",
            "amount": payment.amount,
            "amount_captured": payment.amount if captured else 0,
            "amount_refunded": payment.refunded,
            "billing_details": {
                **dict.fromkeys(("address", "name", "phone", "tax_id")),
                "email": text(checkout.request, "customer_email"),
            },
            "captured": captured,
            "created": unix(payment.at),
            "currency": payment.currency.lower(),
            "customer": _customer(checkout, done=True),
            "disputed": payment.dispute is not None,
            "failure_code": text(error, "code"),
            "failure_message": text(error, "message"),
            "metadata": inner(checkout.request, "payment_intent_data", "metadata"),
            "outcome": {
                **dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code")),
                "network_status": "declined_by_network" if failed else "approved_by_network",
                "reason": text(error, "decline_code"),
                "risk_level": "normal",
                "seller_message": seller_message,
                "type": "issuer_declined" if failed else "authorized",
            },
            "paid": not failed and not pending,
            "payment_intent": payment.id,
            "refunded": captured and payment.refunded >= payment.amount,
            "status": "failed" if failed else "pending" if pending else "succeeded",
        }
    )


def refund(payment: SandboxPayment, made: SandboxRefund) -> JsonObject:
    """Render a refund. It does not say its mode."""
    return complete(
        {
            "id": made.id,
            "object": "refund",
            "amount": made.amount,
            "charge": charge_id_of(payment),
            "created": unix(made.at),
            "currency": payment.currency.lower(),
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "metadata": made.metadata,
            "payment_intent": payment.id,
            "reason": made.reason,
            "status": made.status,
            **({"failure_reason": made.failure} if made.status == "failed" else {}),
            **({"pending_reason": made.waits} if made.waits else {}),
        }
    )


def dispute(payment: SandboxPayment, found: SandboxDispute) -> JsonObject:
    """Render a dispute as it stands. An inquiry can still be refunded, and moves no money."""
    asks = found.status is DisputeStatus.INQUIRY
    asked = "warning_under_review" if found.answered else "warning_needs_response"
    moved: list[JsonValue] = [_movement(payment, one) for one in found.movements]
    return complete(
        {
            "id": found.id,
            "object": "dispute",
            "amount": found.amount,
            "balance_transactions": moved,
            "charge": charge_id_of(payment),
            "created": unix(found.at),
            "currency": payment.currency.lower(),
            "evidence_details": {
                "due_by": unix(found.due_at),
                "enhanced_eligibility": {},
                "has_evidence": found.answered,
                "past_due": False,
                "submission_count": int(found.answered),
                "submission_method": "manual" if found.answered else "not_submitted",
            },
            "is_charge_refundable": asks and payment.refunded < payment.amount,
            "payment_intent": payment.id,
            "payment_method_details": {
                "card": {
                    "brand": "visa",
                    "case_type": "inquiry" if found.inquiry else "chargeback",
                    "network": "visa",
                    "network_reason_code": "10.4",
                },
                "type": "card",
            },
            "reason": "fraudulent",
            "status": asked if asks else _DISPUTE_STATUS[found.status],
        }
    )


def _movement(payment: SandboxPayment, moved: SandboxMovement) -> JsonObject:
    return complete(
        {
            "id": moved.id,
            "object": "balance_transaction",
            "amount": moved.amount,
            "available_on": unix(moved.at),
            "created": unix(moved.at),
            "currency": payment.currency.lower(),
            "fee": moved.fee,
            "net": moved.amount - moved.fee,
            "reporting_category": "dispute" if moved.amount < 0 else "dispute_reversal",
            "type": "adjustment",
        }
    )


def charge_id_of(payment: SandboxPayment) -> str:
    """Return the id of the charge of a payment."""
    return "ch_" + payment.id.removeprefix("pi_")


def _payment_status(checkout: SandboxCheckout) -> str:
    if checkout.status is not CheckoutStatus.PAID:
        return "unpaid"
    return "paid" if checkout.amount else "no_payment_required"


def _customer(checkout: SandboxCheckout, done: bool) -> str | None:
    """Return the customer; Stripe makes one for a subscription when it is paid."""
    given = text(checkout.request, "customer")
    makes = done and subscribes(checkout)
    return given or (derived_id(checkout, "cus_", 14) if makes else None)


def _methods(checkout: SandboxCheckout) -> list[JsonValue]:
    asked = checkout.request.get("payment_method_types")
    if isinstance(asked, list) and asked:
        return asked
    delayed = _DELAYED_METHODS.get(checkout.currency)
    return ["card", delayed] if delayed else ["card"]
