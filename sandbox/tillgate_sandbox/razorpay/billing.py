"""Razorpay's subscriptions, rendered from the checkout that opened them.

https://razorpay.com/docs/api/payments/subscriptions and /docs/webhooks/subscriptions. How one
stands is kept in the checkout's `more`, under `subscription`, once it is paid.
"""

import json
from datetime import datetime

from service.core.clock import from_unix
from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import inner, text, whole
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.lives import PERIOD, Invoice, Life, Step, cost_of, restored
from tillgate_sandbox.razorpay.render import made_id, order_id_of, payment_entity
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

_STATES = {
    "active": "active",
    "past_due": "pending",
    "unpaid": "halted",
    "paused": "paused",
    "canceled": "cancelled",
}
_KINDS = {
    "invoice.paid": ("payment.captured", "subscription.charged"),
    "invoice.payment_failed": ("payment.failed",),
    "customer.subscription.deleted": ("subscription.cancelled",),
}
_OF_STATES = {"past_due": "subscription.pending", "unpaid": "subscription.halted"}


def life_of(checkout: SandboxCheckout) -> Life:
    """Return how the subscription of a checkout that was paid stands."""
    row = inner(checkout.more, "subscription")
    return restored(row) if row else _begun(checkout)


def _begun(checkout: SandboxCheckout) -> Life:
    paid = checkout.payments[-1] if checkout.payments else None
    at = int((paid.at if paid else checkout.updated_at).timestamp())
    invoice = Invoice(
        id=first_invoice_id(checkout.id),
        amount=checkout.amount,
        created=at,
        period_start=at,
        period_end=at,
        status="paid",
        attempts=1,
        paid_at=at,
        intent=paid.id if paid else None,
    )
    return Life(
        id=checkout.id,
        started=at,
        period_start=at,
        period_end=at + PERIOD,
        price=text(checkout.request, "plan_id") or "",
        quantity=whole(checkout.request, "quantity") or 1,
        gives_up="unpaid",
        invoices=(invoice,),
    )


def first_step(checkout: SandboxCheckout) -> Step:
    """Return what happens when a subscription is paid for the first time."""
    life = _begun(checkout)
    return Step(life, life.started, ("subscription.activated", "invoice.paid"))


def subscription(checkout: SandboxCheckout, page: str, life: Life | None = None) -> JsonObject:
    """Render a subscription, as it stands or as it stood; `page` is its link's."""
    shown: JsonObject = {
        "id": checkout.id,
        "entity": "subscription",
        "plan_id": text(checkout.request, "plan_id"),
        "status": _unpaid(checkout),
        "current_start": None,
        "current_end": None,
        "ended_at": None,
        "quantity": whole(checkout.request, "quantity") or 1,
        "notes": inner(checkout.request, "notes"),
        "total_count": whole(checkout.request, "total_count"),
        "paid_count": 0,
        "auth_attempts": 0,
        "created_at": int(checkout.created_at.timestamp()),
        "expire_by": whole(checkout.request, "expire_by"),
        "short_url": page,
    }
    if checkout.status is not CheckoutStatus.PAID:
        return shown
    life = life or life_of(checkout)
    return shown | {
        "plan_id": life.price,
        "status": _STATES[life.status],
        "current_start": life.period_start,
        "current_end": life.period_end,
        "start_at": life.started,
        "end_at": life.period_end if life.cancel_at_period_end else life.started + 120 * PERIOD,
        "ended_at": life.ended_at,
        "quantity": life.quantity,
        "paid_count": sum(one.status == "paid" for one in life.invoices),
        "auth_attempts": 0 if life.latest.status == "paid" else life.latest.attempts,
    }


def plan(plan_id: str) -> JsonObject:
    """Render a plan: what it costs a month stands in its id."""
    amount, currency = cost_of(plan_id)
    item: JsonObject = {"name": plan_id, "amount": amount, "currency": currency.upper()}
    return {"id": plan_id, "entity": "plan", "interval": 1, "period": "monthly", "item": item}


def invoice_id(found: Invoice) -> str:
    """Return Razorpay's id of an invoice: a life has Stripe's."""
    return found.id if found.id.startswith("inv_") else made_id("inv_", found.id)


def first_invoice_id(checkout_id: str) -> str:
    """Return the id of a subscription's first invoice."""
    return made_id("inv_", checkout_id, 1)


def payment_id(found: Invoice) -> str:
    """Return what paid an invoice, or the latest try at it."""
    paid = found.intent or ""
    return paid if paid.startswith("pay_") else made_id("pay_", found.id, paid or found.attempts)


def invoice(checkout: SandboxCheckout, found: Invoice) -> JsonObject:
    """Render an invoice."""
    return {
        "id": invoice_id(found),
        "entity": "invoice",
        "subscription_id": checkout.id,
        "order_id": _order_id(checkout, found),
        "payment_id": payment_id(found) if found.intent else None,
        "amount": found.amount,
        "amount_paid": found.amount if found.status == "paid" else 0,
        "currency": cost_of(life_of(checkout).price)[1].upper(),
        "customer_id": None,
        "status": "paid" if found.status == "paid" else "issued",
        "paid_at": found.paid_at,
    }


def payment(checkout: SandboxCheckout, life: Life, found: Invoice) -> JsonObject:
    """Render the payment of an invoice, or the try that failed."""
    paid = found.status == "paid"
    rendered = payment_entity(checkout, _payment(life, found, payment_id(found), paid=paid))
    return rendered | {"order_id": _order_id(checkout, found), "invoice_id": invoice_id(found)}


def _order_id(checkout: SandboxCheckout, found: Invoice) -> str:
    """Return the order of an invoice; the first is that of the checkout itself."""
    is_first = found.id == first_invoice_id(checkout.id)
    return order_id_of(checkout.id) if is_first else made_id("order_", found.id)


def events_of(checkout: SandboxCheckout, step: Step, page: str = "") -> list[MadeEvent]:
    """Make the webhooks that report a step."""
    life, made = step.life, []
    for number, kind in enumerate(_kinds(step)):
        entities: dict[str, JsonObject] = {}
        if kind.startswith("subscription."):
            entities["subscription"] = subscription(checkout, page, life)
        if kind in ("subscription.charged", "payment.captured", "payment.failed"):
            entities["payment"] = payment(checkout, life, life.latest)
        event_id = made_id("", kind, checkout.id, checkout.version, step.at, number)
        made.append(_event(kind, entities, from_unix(step.at), event_id))
    return made


def _kinds(step: Step) -> list[str]:
    kinds = [kind for one in step.events for kind in _KINDS.get(one, ()) or _as_it_is(one)]
    if "payment.failed" in kinds and step.life.status in _OF_STATES:
        kinds.append(_OF_STATES[step.life.status])
    return kinds


def _as_it_is(kind: str) -> tuple[str, ...]:
    return (kind,) if kind.startswith("subscription.") else ()


def _event(kind: str, entities: dict[str, JsonObject], at: datetime, event_id: str) -> MadeEvent:
    contains: list[JsonValue] = [*entities]
    payload: JsonObject = {name: {"entity": entity} for name, entity in entities.items()}
    event: JsonObject = {
        "entity": "event",
        "account_id": "acc_TillgateSandbox",
        "event": kind,
        "contains": contains,
        "payload": payload,
        "created_at": int(at.timestamp()),
    }
    return MadeEvent(kind, event_id, json.dumps(event, indent=2).encode())


def _payment(life: Life, found: Invoice, payment_id: str, *, paid: bool) -> SandboxPayment:
    return SandboxPayment(
        id=payment_id,
        status=PaymentStatus.SUCCEEDED if paid else PaymentStatus.DECLINED,
        amount=found.amount,
        currency=cost_of(life.price)[1].upper(),
        decline_code=None if paid else "insufficient_funds",
        at=from_unix(found.paid_at or found.created),
    )


def _unpaid(checkout: SandboxCheckout) -> str:
    states = {CheckoutStatus.EXPIRED: "expired", CheckoutStatus.CANCELED: "cancelled"}
    return states.get(checkout.status, "created")
