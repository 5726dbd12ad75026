"""Subscriptions at Razorpay: opened by a link, read, ended, changed.

https://razorpay.com/docs/api/payments/subscriptions. There is no idempotency header: what was
opened for an attempt is found again by its notes.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from service.core.clock import EARLIEST, from_unix
from service.core.errors import MalformedBody, NotOffered, ProviderFailed
from service.core.strict_json import JsonObject, JsonValue
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    OpenedCheckout,
    PeriodPrice,
    VerifiedEvent,
)
from service.providers.facts import InvoicePaid, Payment, SubscriptionRead
from service.providers.razorpay.client import RazorpayClient
from service.providers.razorpay.entities import moment, notes_of, subject_of
from service.providers.reading import (
    amount,
    entries,
    inner,
    needed_amount,
    needed_text,
    text,
    whole,
    word,
)
from service.providers.subscribed import Interval, Subscribed, SubscriptionState

Plans = Mapping[str, str | None]
"""Razorpay's plan ids by plan."""

_STATES: Mapping[str, SubscriptionState] = {
    "created": "incomplete",
    "authenticated": "incomplete",
    "active": "active",
    "pending": "past_due",
    "halted": "halted",
    "cancelled": "canceled",
    "completed": "completed",
    "expired": "incomplete_expired",
    "paused": "paused",
}
_INTERVALS: Mapping[str, Interval] = {
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "yearly": "year",
}
_ENDED = frozenset({"cancelled", "completed", "expired"})
# It must be said how often a subscription is charged; a hundred years are refused for months.
_CYCLES = {"day": 3650, "week": 520, "month": 120, "year": 10}
_PAGE = "100"
_PLAN_ID = re.compile(r"plan_[A-Za-z0-9_]{1,60}")
# One for each period: more come to be paid between two readings only in a long failure.
_INVOICES = 10


async def open_subscription(
    client: RazorpayClient, request: CheckoutRequest, plans: Plans
) -> OpenedCheckout:
    """Open a subscription; its link is where the customer goes. Raises as `calling.ask` does."""
    if request.trial_days:
        raise ProviderFailed("Razorpay's subscriptions are opened without a trial here.")
    plan_id = request.plan_price or plan_id_of(request.plan or "", plans)
    plan = await _plan(client, plan_id)
    opened = await _opened_before(client, request, plan_id) if request.repeated else None
    if opened is None:
        interval = _INTERVALS.get(text(plan, "period") or "", "month")
        body: JsonObject = {
            "plan_id": plan_id,
            "total_count": _CYCLES[interval],
            "quantity": request.quantity,
            "customer_notify": False,
            "expire_by": int(request.expires_at.timestamp()),
            "notes": notes_of(request) | {"attemptId": request.attempt_id},
        }
        opened = await client.post("subscriptions", body)
    item = inner(plan, "item")
    return OpenedCheckout(
        ref=needed_text(opened, "id"),
        url=needed_text(opened, "short_url"),
        amount=needed_amount(item) * request.quantity,
        currency=needed_text(item, "currency"),
        expires_at=moment(opened, "expire_by"),
        interval=_INTERVALS.get(text(plan, "period") or ""),
        interval_count=whole(plan, "interval") or 1,
    )


async def _opened_before(
    client: RazorpayClient, request: CheckoutRequest, plan_id: str
) -> JsonObject | None:
    """Find the subscription that an earlier call of this attempt opened."""
    listed = await client.get("subscriptions", {"plan_id": plan_id, "count": _PAGE})
    for one in entries(listed, "items"):
        notes = inner(one, "notes")
        ours = (text(notes, "attemptId"), text(notes, "merchantId"))
        if ours == (request.attempt_id, request.merchant_id):
            return one if text(one, "status") not in _ENDED else None
    return None


async def read_subscription(
    client: RazorpayClient, subscription_id: str, read: int, now: datetime
) -> JsonObject:
    """Read a subscription, its plan and its last invoices that were paid, as an envelope of ours.

    An event of a renewal may be lost: the invoices tell what was paid.
    """
    found = await client.get(f"subscriptions/{subscription_id}")
    plan_id = text(found, "plan_id")
    plan: JsonObject = await client.get(f"plans/{plan_id}") if plan_id else {}
    listed = await client.get("invoices", {"subscription_id": subscription_id, "count": _PAGE})
    paid = [one for one in entries(listed, "items") if text(one, "status") == "paid"]
    paid.sort(key=lambda one: whole(one, "paid_at") or 0, reverse=True)
    invoices: list[JsonValue] = [*paid[:_INVOICES]]
    return {
        "read": read,
        "fetchedAt": int(now.timestamp()),
        "subscription": found,
        "plan": plan,
        "invoices": invoices,
    }


def translate_reading(envelope: JsonObject, live: bool | None, plans: Plans) -> VerifiedEvent:
    """Translate a subscription that was read, and its invoices. Raises `MalformedBody`."""
    found, read = inner(envelope, "subscription"), whole(envelope, "read")
    if read is None:
        raise MalformedBody("The reading has no number.")
    subscription_id = needed_text(found, "id")
    fetched_at = whole(envelope, "fetchedAt")
    paid = entries(envelope, "invoices")
    # What the event of a payment says of it is no older.
    times = [at for one in paid if (at := whole(one, "paid_at"))]
    occurred_at = min(times, default=fetched_at)
    return VerifiedEvent(
        provider="razorpay",
        account=OWN_ACCOUNT,
        live=live,
        event_id=f"fetch:{subscription_id}:read:{read}",
        type="fetched.subscription",
        occurred_at=from_unix(occurred_at) if occurred_at else EARLIEST,
        subject=subject_of(payment={}, order={}, link={}, subscription=found),
        facts=(
            SubscriptionRead(_subscribed(found, inner(envelope, "plan"), plans), read),
            *(fact for one in paid for fact in _invoice_paid(one, subscription_id)),
        ),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


async def cancel(client: RazorpayClient, subscription_id: str, *, at_period_end: bool) -> None:
    """End a subscription with its cycle, or now."""
    body: JsonObject = {"cancel_at_cycle_end": 1 if at_period_end else 0}
    await client.post(f"subscriptions/{subscription_id}/cancel", body)


async def reactivate(client: RazorpayClient, subscription_id: str) -> None:
    """Let a paused subscription go on. Raises `NotOffered` for any other."""
    found = await client.get(f"subscriptions/{subscription_id}")
    if text(found, "status") != "paused":
        raise NotOffered(
            "Razorpay has no way to take back that a subscription ends with its cycle: open a new "
            "one when it has ended."
        )
    await client.post(f"subscriptions/{subscription_id}/resume", {"resume_at": "now"})


async def read_price(client: RazorpayClient, plan_id: str) -> PeriodPrice:
    """Read what a plan charges. Raises `MalformedBody`."""
    plan = await _plan(client, plan_id)
    return PeriodPrice(
        amount=needed_amount(inner(plan, "item")),
        currency=needed_text(inner(plan, "item"), "currency").upper(),
        interval=_INTERVALS.get(text(plan, "period") or ""),
        interval_count=whole(plan, "interval") or 1,
    )


async def _plan(client: RazorpayClient, plan_id: str) -> JsonObject:
    """Read a plan; what is no plan's id becomes no part of an address."""
    if not _PLAN_ID.fullmatch(plan_id):
        raise ProviderFailed(f"Razorpay knows no plan {plan_id!r}: its ids begin with plan_.")
    return await client.get(f"plans/{plan_id}")


async def change_plan(client: RazorpayClient, subscription_id: str, plan_id: str) -> None:
    """Change the plan now; Razorpay reckons up what was paid for the rest of the cycle."""
    body: JsonObject = {
        "plan_id": plan_id,
        "schedule_change_at": "now",
        "customer_notify": False,
    }
    await client.patch(f"subscriptions/{subscription_id}", body)


def plan_id_of(plan: str, plans: Plans) -> str:
    """Return Razorpay's id of a plan. Raises `ProviderFailed` where it has none."""
    plan_id = plans.get(plan)
    if not plan_id:
        variable = f"RAZORPAY_PLAN_{plan.upper()}" if plan in plans else None
        remedy = f"set {variable}" if variable else "name one in the catalog (providerPrices)"
        raise ProviderFailed(f"Razorpay has no plan for {plan or 'none'!r}: {remedy}.")
    return plan_id


def _invoice_paid(invoice: JsonObject, subscription_id: str) -> tuple[InvoicePaid, ...]:
    """Read a paid invoice; one of nothing, or without its payment, moved no money."""
    payment_id, paid = text(invoice, "payment_id"), amount(invoice, "amount")
    if payment_id is None or not paid:
        return ()
    payment = Payment(
        provider_payment_id=payment_id,
        amount=paid,
        currency=needed_text(invoice, "currency").upper(),
        checkout_ref=text(invoice, "order_id"),
        customer_id=text(invoice, "customer_id"),
        subscription_id=subscription_id,
    )
    return (InvoicePaid(payment),)


def _subscribed(found: JsonObject, plan: JsonObject, plans: Plans) -> Subscribed:
    status, plan_id = needed_text(found, "status"), text(found, "plan_id")
    if status not in _STATES:
        raise MalformedBody(f"The subscription has status {status!r}.")
    known = next((name for name, one in plans.items() if one and one == plan_id), None)
    item, quantity = inner(plan, "item"), whole(found, "quantity") or 1
    unit, currency = amount(item, "amount"), word(item, "currency")
    ended, period_end = moment(found, "ended_at"), moment(found, "current_end")
    ends = moment(found, "end_at")
    return Subscribed(
        provider_subscription_id=needed_text(found, "id"),
        state=_STATES[status],
        provider_status=status,
        customer_id=text(found, "customer_id"),
        plan=known,
        noted_plan=text(inner(found, "notes"), "plan"),
        provider_plan_id=plan_id,
        amount=None if unit is None else unit * quantity,
        currency=currency.upper() if currency else None,
        quantity=quantity,
        interval=_INTERVALS.get(text(plan, "period") or ""),
        interval_count=whole(plan, "interval") or 1,
        current_period_start=moment(found, "current_start"),
        current_period_end=period_end,
        # One that is to end with its cycle ends when that does, though cycles are left.
        cancel_at_period_end=ended is None and ends is not None and ends == period_end,
        started_at=moment(found, "start_at") or moment(found, "created_at"),
        ended_at=ended,
        canceled_at=ended if status == "cancelled" else None,
        attempts=whole(found, "auth_attempts") or 0,
    )
