"""Stripe's subscriptions and invoices, rendered from the checkout that opened them.

https://docs.stripe.com/api/subscriptions/object and /api/invoices/object. How the subscription
stands is kept in the checkout's `more`, under `subscription`, once anything has changed.
"""

from service.core.strict_json import JsonObject
from service.providers.reading import inner, text
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.lives import DAY, PERIOD, Invoice, Life, cost_of, restored
from tillgate_sandbox.states import CheckoutStatus
from tillgate_sandbox.stripe.items import price, product_id_of
from tillgate_sandbox.stripe.render import derived_id, subscribes, unix
from tillgate_sandbox.stripe.shapes import complete


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


def life_of(checkout: SandboxCheckout) -> Life:
    """Return how the subscription of a checkout that was paid stands."""
    row = inner(checkout.more, "subscription")
    return restored(row) if row else _begun(checkout)


def _begun(checkout: SandboxCheckout) -> Life:
    paid = checkout.payments[-1] if checkout.payments else None
    began = unix(paid.at if paid else checkout.updated_at)
    trial = trial_days(checkout) * DAY
    line = checkout.request.get("line_items")
    first = line[0] if isinstance(line, list) and line and isinstance(line[0], dict) else {}
    quantity = text(first, "quantity") or "1"
    invoice = Invoice(
        id=invoice_id(checkout),
        amount=checkout.amount,
        created=began,
        period_start=began,
        period_end=began,
        reason="subscription_create",
        status="paid",
        attempts=1 if checkout.amount else 0,
        paid_at=began,
        intent=paid.id if paid and checkout.amount else None,
    )
    return Life(
        id=subscription_id(checkout),
        started=began,
        period_start=began,
        period_end=began + (trial or PERIOD),
        price=text(first, "price") or f"price_sandbox_0_{checkout.currency.lower()}",
        quantity=int(quantity) if quantity.isdecimal() else 1,
        status="trialing" if trial else "active",
        trial_end=began + trial if trial else None,
        metadata=inner(checkout.request, "subscription_data", "metadata"),
        invoices=(invoice,),
    )


def subscription(checkout: SandboxCheckout, life: Life | None = None) -> JsonObject:
    """Render the subscription of a checkout that was paid, as it stands or as it stood."""
    life = life or life_of(checkout)
    return complete(
        {
            "id": life.id,
            "object": "subscription",
            "billing_cycle_anchor": life.trial_end or life.started,
            "cancel_at": life.period_end if life.cancel_at_period_end else None,
            "cancel_at_period_end": life.cancel_at_period_end,
            "canceled_at": life.canceled_at,
            "cancellation_details": {
                **dict.fromkeys(("comment", "feedback", "feedback_option")),
                "reason": life.ends_because,
            },
            "created": life.started,
            "currency": cost_of(life.price)[1],
            "customer": customer_of(checkout),
            "ended_at": life.ended_at,
            "items": {
                "object": "list",
                "data": [_item(checkout, life)],
                "has_more": False,
                "url": f"/v1/subscription_items?subscription={life.id}",
            },
            "latest_invoice": life.latest.id,
            "metadata": life.metadata,
            "start_date": life.started,
            "status": life.status,
            "trial_end": life.trial_end,
            "trial_start": life.started if life.trial_end else None,
        }
    )


def invoice(
    checkout: SandboxCheckout, wanted: str | None = None, life: Life | None = None
) -> JsonObject:
    """Render an invoice of a subscription: the latest, or the one of an id."""
    life = life or life_of(checkout)
    found = next((one for one in life.invoices if one.id == wanted), life.latest)
    paid = found.status == "paid"
    currency = cost_of(life.price)[1]
    details: JsonObject = {"metadata": life.metadata, "subscription": life.id}
    return complete(
        {
            "id": found.id,
            "object": "invoice",
            "amount_due": found.amount,
            "amount_paid": found.amount if paid else 0,
            "amount_remaining": 0 if paid else found.amount,
            "attempt_count": found.attempts,
            "attempted": True,
            "billing_reason": found.reason,
            "collection_method": "charge_automatically",
            "created": found.created,
            "currency": currency,
            "customer": customer_of(checkout),
            "customer_email": text(checkout.request, "customer_email"),
            "effective_at": found.created,
            "hosted_invoice_url": None,
            "lines": {
                "object": "list",
                "data": [],
                "has_more": False,
                "url": f"/v1/invoices/{found.id}/lines",
            },
            "next_payment_attempt": None if paid else life.next_attempt,
            "parent": {
                "quote_details": None,
                "subscription_details": details,
                "type": "subscription_details",
            },
            "period_end": found.period_end,
            "period_start": found.period_start,
            "status": found.status,
            "status_transitions": {
                "finalized_at": found.created,
                "marked_uncollectible_at": None,
                "paid_at": found.paid_at,
                "voided_at": None,
            },
            "subtotal": found.amount,
            "total": found.amount,
        }
    )


def invoice_payment(life: Life, found: Invoice) -> JsonObject:
    """Render what paid an invoice: the intent that it does not name."""
    currency = cost_of(life.price)[1]
    return {
        "id": f"inpay_1{found.id.removeprefix('in_1')}",
        "object": "invoice_payment",
        "amount_paid": found.amount,
        "amount_requested": found.amount,
        "created": found.created,
        "currency": currency,
        "invoice": found.id,
        "is_default": True,
        "livemode": False,
        "payment": {"payment_intent": found.intent, "type": "payment_intent"},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": found.paid_at},
    }


def invoice_payments(checkout: SandboxCheckout) -> list[JsonObject]:
    """Render what paid the invoices of a subscription."""
    if not subscribes(checkout) or checkout.status is not CheckoutStatus.PAID:
        return []
    life = life_of(checkout)
    return [invoice_payment(life, one) for one in life.invoices if one.intent is not None]


def _item(checkout: SandboxCheckout, life: Life) -> JsonObject:
    return complete(
        {
            "id": item_id(checkout),
            "object": "subscription_item",
            "created": life.started,
            "current_period_end": life.period_end,
            "current_period_start": life.period_start,
            "plan": _plan(life.price),
            "price": price(life.price),
            "quantity": life.quantity,
            "subscription": life.id,
        }
    )


def _plan(price_id: str) -> JsonObject:
    """Render the price as it was before there were prices: it stands in each item still."""
    amount, currency = cost_of(price_id)
    return {
        "id": price_id,
        "object": "plan",
        "active": True,
        "amount": amount,
        "amount_decimal": str(amount),
        "billing_scheme": "per_unit",
        "created": 0,
        "currency": currency,
        "interval": "month",
        "interval_count": 1,
        "livemode": False,
        "metadata": {},
        "meter": None,
        "nickname": None,
        "product": product_id_of(price_id),
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def item_id(checkout: SandboxCheckout) -> str:
    """Return the id of a subscription's only item."""
    return derived_id(checkout, "si_", 14)


def customer_of(checkout: SandboxCheckout) -> str:
    """Return the customer who pays a subscription."""
    return text(checkout.request, "customer") or derived_id(checkout, "cus_", 14)
