"""Stripe's subscriptions and invoices, rendered from the checkout that opened them.

https://docs.stripe.com/api/subscriptions/object and /api/invoices/object. What was changed later
is kept in the checkout's `more`, under `subscription`.
"""

from datetime import timedelta

from service.core.strict_json import JsonObject
from service.providers.reading import inner, text, whole
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus
from tillgate_sandbox.stripe.render import derived_id, subscribes, unix

PERIOD = timedelta(days=30)


def subscription_id(checkout: SandboxCheckout) -> str:
    """Return the id of the subscription that a checkout opens."""
    return derived_id(checkout, "sub_1")


def invoice_id(checkout: SandboxCheckout) -> str:
    """Return the id of the first invoice of the subscription."""
    return derived_id(checkout, "in_1")


def trial_days(checkout: SandboxCheckout) -> int:
    """Return the days of the trial, 0 without one."""
    given = text(inner(checkout.request, "subscription_data"), "trial_period_days")
    return int(given) if given and given.isdecimal() else 0


def subscription(checkout: SandboxCheckout) -> JsonObject:
    """Render the subscription of a checkout that was paid."""
    began = checkout.updated_at if not checkout.payments else checkout.payments[-1].at
    trial = timedelta(days=trial_days(checkout))
    until = unix(began + (trial or PERIOD))
    kept = inner(checkout.more, "subscription")
    metadata = inner(checkout.request, "subscription_data", "metadata")
    return {
        "id": subscription_id(checkout),
        "object": "subscription",
        "billing_cycle_anchor": until if trial else unix(began),
        "cancel_at": until if kept.get("cancel_at_period_end") else None,
        "cancel_at_period_end": kept.get("cancel_at_period_end") is True,
        "canceled_at": whole(kept, "canceled_at"),
        "collection_method": "charge_automatically",
        "created": unix(began),
        "currency": checkout.currency.lower(),
        "customer": _customer(checkout),
        "default_payment_method": None,
        "discounts": [],
        "ended_at": whole(kept, "ended_at"),
        "items": {
            "object": "list",
            "data": [_item(checkout, unix(began), until)],
            "has_more": False,
            "url": f"/v1/subscription_items?subscription={subscription_id(checkout)}",
        },
        "latest_invoice": invoice_id(checkout),
        "livemode": False,
        "metadata": metadata | inner(kept, "metadata"),
        "start_date": unix(began),
        "status": text(kept, "status") or ("trialing" if trial else "active"),
        "trial_end": until if trial else None,
        "trial_start": unix(began) if trial else None,
    }


def invoice(checkout: SandboxCheckout) -> JsonObject:
    """Render the first invoice of a subscription, paid."""
    at = unix(checkout.payments[-1].at if checkout.payments else checkout.updated_at)
    metadata = inner(checkout.request, "subscription_data", "metadata")
    return {
        "id": invoice_id(checkout),
        "object": "invoice",
        "amount_due": checkout.amount,
        "amount_paid": checkout.amount,
        "amount_remaining": 0,
        "attempt_count": 1 if checkout.amount else 0,
        "attempted": True,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "created": at,
        "currency": checkout.currency.lower(),
        "customer": _customer(checkout),
        "customer_email": text(checkout.request, "customer_email"),
        "hosted_invoice_url": None,
        "lines": {"object": "list", "data": [], "has_more": False},
        "livemode": False,
        "metadata": {},
        "parent": {
            "quote_details": None,
            "subscription_details": {
                "metadata": metadata,
                "subscription": subscription_id(checkout),
            },
            "type": "subscription_details",
        },
        "period_end": at,
        "period_start": at,
        "status": "paid",
        "status_transitions": {"finalized_at": at, "paid_at": at},
        "subtotal": checkout.amount,
        "total": checkout.amount,
    }


def invoice_payments(checkout: SandboxCheckout) -> list[JsonObject]:
    """Render what paid the first invoice of a subscription: the intent that it does not name."""
    if not subscribes(checkout) or checkout.status is not CheckoutStatus.PAID:
        return []
    return [
        {
            "id": derived_id(checkout, "inpay_1"),
            "object": "invoice_payment",
            "amount_paid": one.amount,
            "amount_requested": one.amount,
            "created": unix(one.at),
            "currency": one.currency.lower(),
            "invoice": invoice_id(checkout),
            "is_default": True,
            "livemode": False,
            "payment": {"payment_intent": one.id, "type": "payment_intent"},
            "status": "paid",
            "status_transitions": {"canceled_at": None, "paid_at": unix(one.at)},
        }
        for one in checkout.payments
        if one.status is PaymentStatus.SUCCEEDED and one.amount
    ]


def _item(checkout: SandboxCheckout, start: int, end: int) -> JsonObject:
    line = checkout.request.get("line_items")
    first = line[0] if isinstance(line, list) and line and isinstance(line[0], dict) else {}
    quantity = text(first, "quantity") or "1"
    return {
        "id": derived_id(checkout, "si_", 14),
        "object": "subscription_item",
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "metadata": {},
        "price": {"id": text(first, "price"), "object": "price", "livemode": False},
        "quantity": int(quantity) if quantity.isdecimal() else 1,
        "subscription": subscription_id(checkout),
    }


def _customer(checkout: SandboxCheckout) -> str:
    return text(checkout.request, "customer") or derived_id(checkout, "cus_", 14)
