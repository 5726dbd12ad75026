"""Razorpay's entities, rendered from what the sandbox remembers. Pure.

Shapes: https://razorpay.com/docs/api/orders/entity, /api/payments/entity,
/api/payments/payment-links/entity and /api/refunds/entity.
"""

import hashlib

from service.core.strict_json import JsonObject, JsonValue
from tillgate_sandbox.documents import (
    SandboxCheckout,
    SandboxDispute,
    SandboxPayment,
    SandboxRefund,
)
from tillgate_sandbox.razorpay.declines import NO_ERROR, TIMED_OUT, error_fields
from tillgate_sandbox.states import CheckoutStatus, DisputeStatus, PaymentStatus

ORDER, LINK, REFUND = "order_", "plink_", "rfnd_"

_PAYMENT_STATES = {
    PaymentStatus.PROCESSING: "created",
    PaymentStatus.AUTHORIZED: "authorized",
    PaymentStatus.SUCCEEDED: "captured",
    PaymentStatus.DECLINED: "failed",
    PaymentStatus.FAILED: "failed",
    PaymentStatus.VOIDED: "refunded",
}
_REFUND_STATES = {"pending": "pending", "succeeded": "processed", "failed": "failed"}
_DISPUTE_STATES = {
    DisputeStatus.INQUIRY: "open",
    DisputeStatus.OPEN: "open",
    DisputeStatus.UNDER_REVIEW: "under_review",
    DisputeStatus.WON: "won",
    DisputeStatus.LOST: "lost",
    DisputeStatus.CLOSED: "closed",
}
_LINK_STATES = {
    CheckoutStatus.PAID: "paid",
    CheckoutStatus.EXPIRED: "expired",
    CheckoutStatus.CANCELED: "cancelled",
}


def made_id(prefix: str, *parts: object) -> str:
    """Derive an id as Razorpay's are, a prefix and 14 characters: the same parts, the same id."""
    seed = ":".join((prefix, *(str(part) for part in parts)))
    return prefix + hashlib.sha256(seed.encode()).hexdigest()[:14]


def order_id_of(checkout_id: str) -> str:
    """Return the order of a checkout: its own id, or the one of a link or of the first charge."""
    if is_subscription(checkout_id):
        return made_id(ORDER, checkout_id)
    return ORDER + checkout_id.removeprefix(LINK) if is_link(checkout_id) else checkout_id


def link_id_of(order_id: str) -> str:
    """Return the payment link that an order would belong to."""
    return LINK + order_id.removeprefix(ORDER)


def is_link(checkout_id: str) -> bool:
    """Return whether an id is that of a payment link, not of an order."""
    return checkout_id.startswith(LINK)


def is_subscription(checkout_id: str) -> bool:
    """Return whether a checkout is a subscription."""
    return checkout_id.startswith("sub_")


def order_entity(checkout: SandboxCheckout) -> JsonObject:
    """Render an order. Nothing ends one but a payment: it neither expires nor is cancelled."""
    paid = checkout.status is CheckoutStatus.PAID
    given = checkout.request
    return {
        "id": order_id_of(checkout.id),
        "entity": "order",
        "amount": checkout.amount,
        "amount_paid": _paid(checkout),
        "amount_due": checkout.amount - _paid(checkout),
        "currency": checkout.currency,
        "receipt": given.get("receipt") or given.get("reference_id"),
        "offer_id": None,
        "status": "paid" if paid else "attempted" if checkout.payments else "created",
        "attempts": len(checkout.payments),
        "notes": notes_of(checkout),
        "created_at": int(checkout.created_at.timestamp()),
    }


def link_entity(checkout: SandboxCheckout, page: str) -> JsonObject:
    """Render a payment link; `page` is the address of its pay page.

    An attempt that failed leaves it `created`: the customer may try again.
    """
    given = checkout.request
    ended_at = int(checkout.updated_at.timestamp())
    status = _LINK_STATES.get(checkout.status, "created")
    expire_by = int(checkout.expires_at.timestamp()) if checkout.expires_at else 0
    return {
        "accept_partial": False,
        "amount": checkout.amount,
        "amount_paid": _paid(checkout),
        "callback_method": given.get("callback_method") or "",
        "callback_url": given.get("callback_url") or "",
        "cancelled_at": ended_at if status == "cancelled" else 0,
        "created_at": int(checkout.created_at.timestamp()),
        "currency": checkout.currency,
        "customer": given.get("customer") or {},
        "description": given.get("description") or "",
        "expire_by": expire_by,
        "expired_at": ended_at if status == "expired" else 0,
        "first_min_partial_amount": 0,
        "id": checkout.id,
        "notes": notes_of(checkout),
        "notify": given.get("notify") or {"email": False, "sms": False, "whatsapp": False},
        "order_id": order_id_of(checkout.id),
        "payments": _payments_of_link(checkout),
        "reference_id": given.get("reference_id") or "",
        "reminder_enable": False,
        "reminders": [],
        "short_url": page,
        "status": status,
        "updated_at": ended_at,
        "upi_link": False,
        "user_id": "",
        "whatsapp_link": False,
    }


def payment_entity(
    checkout: SandboxCheckout, payment: SandboxPayment, status: str | None = None
) -> JsonObject:
    """Render a payment, as it stands or, for an event of before, with an earlier `status`."""
    captured = payment.status is PaymentStatus.SUCCEEDED and status in (None, "captured")
    let_go = payment.status is PaymentStatus.VOIDED and status is None
    refunded = payment.refunded if captured or let_go else 0
    whole = bool(refunded) and refunded >= payment.amount
    failed = payment.status in (PaymentStatus.DECLINED, PaymentStatus.FAILED)
    fee = payment.amount * 2 // 100 if captured else None
    return {
        "id": payment.id,
        "entity": "payment",
        "amount": payment.amount,
        "currency": payment.currency,
        "base_amount": payment.amount,
        "status": status or ("refunded" if whole else _PAYMENT_STATES[payment.status]),
        "order_id": order_id_of(checkout.id),
        "invoice_id": None,
        "international": False,
        "method": payment.method,
        "amount_refunded": refunded,
        "amount_transferred": 0,
        "refund_status": "full" if whole else "partial" if refunded else None,
        "captured": captured,
        "description": f"#{checkout.id.removeprefix(LINK)}" if is_link(checkout.id) else None,
        "card_id": made_id("card_", payment.id) if payment.method == "card" else None,
        "bank": "HDFC" if payment.method == "netbanking" else None,
        "wallet": "payzapp" if payment.method == "wallet" else None,
        "vpa": "customer@okexample" if payment.method == "upi" else None,
        "email": _email(checkout),
        "contact": "+919876543210",
        "notes": _notes_of_payment(checkout, payment),
        "fee": fee,
        "tax": fee * 18 // 118 if fee is not None else None,
        **(_error(payment) if failed else NO_ERROR),
        "acquirer_data": {},
        "created_at": int(payment.at.timestamp()),
    }


def refund_entity(
    payment: SandboxPayment, refund: SandboxRefund, status: str | None = None
) -> JsonObject:
    """Render a refund of normal speed, as it stands or with the `status` of an earlier event."""
    return {
        "id": refund.id,
        "entity": "refund",
        "amount": refund.amount,
        "currency": payment.currency,
        "payment_id": payment.id,
        "notes": refund.metadata or [],
        "receipt": refund.receipt,
        "acquirer_data": {"arn": None},
        "created_at": int(refund.at.timestamp()),
        "batch_id": None,
        "status": status or _REFUND_STATES[refund.status],
        "speed_processed": "normal",
        "speed_requested": "normal",
    }


def dispute_entity(payment: SandboxPayment, dispute: SandboxDispute) -> JsonObject:
    """Render a dispute; what it takes is deducted when it is lost."""
    lost = dispute.status is DisputeStatus.LOST
    answered: JsonObject = {"submitted_at": int(dispute.at.timestamp())}
    return {
        "id": dispute.id,
        "entity": "dispute",
        "payment_id": payment.id,
        "amount": dispute.amount,
        "currency": payment.currency,
        "amount_deducted": dispute.amount if lost else 0,
        "gateway_dispute_id": None,
        "reason_code": "chargeback",
        "respond_by": int(dispute.due_at.timestamp()),
        "status": _DISPUTE_STATES[dispute.status],
        "phase": "retrieval" if dispute.inquiry else "chargeback",
        "evidence": answered if dispute.answered else None,
        "created_at": int(dispute.at.timestamp()),
    }


def collection(items: list[JsonObject]) -> JsonObject:
    """Wrap a list as Razorpay does."""
    listed: list[JsonValue] = list(items)
    return {"entity": "collection", "count": len(items), "items": listed}


def payment_notes_of(checkout: SandboxCheckout) -> JsonValue:
    """Return the notes of its payments: what a browser gave Checkout.js, else the order's."""
    return checkout.more.get("paymentNotes") or notes_of(checkout)


def _notes_of_payment(checkout: SandboxCheckout, payment: SandboxPayment) -> JsonValue:
    """Return the notes of one payment: what the merchant has changed them to, if anything."""
    changed = checkout.more.get("notesOf")
    own = changed.get(payment.id) if isinstance(changed, dict) else None
    return payment_notes_of(checkout) if own is None else own or []


def notes_of(checkout: SandboxCheckout) -> JsonValue:
    """Return the notes; empty ones are an empty list, as PHP writes an empty map."""
    return checkout.request.get("notes") or []


def _paid(checkout: SandboxCheckout) -> int:
    paid = (one for one in checkout.payments if one.status is PaymentStatus.SUCCEEDED)
    return min(checkout.amount, sum(one.amount for one in paid))


def _payments_of_link(checkout: SandboxCheckout) -> JsonValue:
    """A link lists captured payments only, and says null before the first one."""
    captured: list[JsonValue] = [
        {
            "amount": one.amount,
            "created_at": int(one.at.timestamp()),
            "method": one.method,
            "payment_id": one.id,
            "plink_id": checkout.id,
            "status": "captured",
        }
        for one in checkout.payments
        if one.status is PaymentStatus.SUCCEEDED
    ]
    return captured or None


def _error(payment: SandboxPayment) -> JsonObject:
    """A bank that was slow and then refused has let the time run out, unless it said more."""
    bounced = payment.status is PaymentStatus.FAILED
    return error_fields(payment.decline_code or (TIMED_OUT if bounced else None))


def _email(checkout: SandboxCheckout) -> str:
    """Return the customer's address; Razorpay's own where none was asked for."""
    customer = checkout.request.get("customer")
    email = customer.get("email") if isinstance(customer, dict) else None
    return email if isinstance(email, str) else "void@razorpay.com"
