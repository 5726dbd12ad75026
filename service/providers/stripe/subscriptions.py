"""Subscriptions at Stripe (https://docs.stripe.com/api/subscriptions): read, ended, changed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast, get_args

import stripe
from msgspec import structs

from service.core.clock import EARLIEST
from service.core.errors import MalformedBody, ProviderFailed
from service.core.strict_json import JsonObject, JsonValue
from service.providers.base import OWN_ACCOUNT, PeriodPrice, VerifiedEvent
from service.providers.facts import SubscriptionRead
from service.providers.reading import amount, entries, inner, needed_text, text, whole, word
from service.providers.stripe import ledger
from service.providers.stripe.calls import answer_of
from service.providers.stripe.reading import currency, interval_in, moment, reference
from service.providers.subscribed import Subscribed, SubscriptionState

Prices = Mapping[str, str | None]
"""Stripe's price ids by plan."""

# One for each period: more than these come to be paid between two readings only in a long failure.
_INVOICES = 10
_FETCHED, _READ = "fetch:", "fetch:sub_"
_KNOWN: frozenset[str] = frozenset(get_args(SubscriptionState))


def is_reading(event_id: str) -> bool:
    """Return whether an event's id is that of a subscription that was read."""
    return event_id.startswith(_READ)


async def read_subscription(
    client: stripe.StripeClient, subscription_id: str, read: int, prices: Prices
) -> VerifiedEvent:
    """Read a subscription, and its last invoices with what paid them.

    No other event tells that: an invoice names no intent, and an intent no invoice (API version
    2025-03-31.basil and later), while refunds and disputes name intents alone.
    """
    found = await client.v1.subscriptions.retrieve_async(
        subscription_id, {"expand": ["latest_invoice"]}
    )
    listed = await client.v1.invoices.list_async(
        {"subscription": subscription_id, "limit": _INVOICES, "expand": ["data.payments"]}
    )
    invoices: list[JsonValue] = [*entries(answer_of(listed)[0], "data")]
    envelope: JsonObject = {"subscription": answer_of(found)[0], "invoices": invoices}
    return translate_reading(envelope, f"{_FETCHED}{subscription_id}:{read}", prices)


def translate_reading(envelope: JsonObject, event_id: str, prices: Prices) -> VerifiedEvent:
    """Translate a subscription that was read, and its invoices. Raises `MalformedBody`.

    Each reading is an event of its own: states run in circles, so the same one may come again.
    """
    found, live = inner(envelope, "subscription"), inner(envelope, "subscription").get("livemode")
    paid = [one for one in entries(envelope, "invoices") if text(one, "status") == "paid"]
    return VerifiedEvent(
        provider="stripe",
        account=OWN_ACCOUNT,
        live=live if isinstance(live, bool) else None,
        event_id=event_id,
        type="fetched.subscription",
        occurred_at=_occurred_at(found, paid),
        subject=ledger.subscription_subject(found),
        facts=(
            SubscriptionRead(_subscribed(found, prices), int(event_id.rpartition(":")[2])),
            *(fact for one in paid for fact in ledger.invoice_paid(one)),
        ),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


async def cancel(client: stripe.StripeClient, subscription_id: str, *, at_period_end: bool) -> None:
    """End a subscription with its period, or now."""
    if at_period_end:
        await client.v1.subscriptions.update_async(subscription_id, {"cancel_at_period_end": True})
    else:
        await client.v1.subscriptions.cancel_async(subscription_id)


async def reactivate(client: stripe.StripeClient, subscription_id: str) -> None:
    """Let a subscription go on: one that was to end with its period, or that is paused."""
    found = answer_of(await client.v1.subscriptions.retrieve_async(subscription_id))[0]
    if text(found, "status") == "paused":
        await client.v1.subscriptions.resume_async(subscription_id)
    elif found.get("cancel_at_period_end") is True:
        await client.v1.subscriptions.update_async(subscription_id, {"cancel_at_period_end": False})
    elif found.get("cancel_at") is not None:  # so those of flexible billing end
        await client.v1.subscriptions.update_async(subscription_id, {"cancel_at": ""})


async def read_price(client: stripe.StripeClient, price_id: str) -> PeriodPrice:
    """Read a price; one of tiers or by usage has no fixed amount. Raises `MalformedBody`."""
    found = answer_of(await client.v1.prices.retrieve_async(price_id))[0]
    recurring = inner(found, "recurring")
    fixed = text(found, "billing_scheme") == "per_unit" and recurring.get("usage_type") != "metered"
    return PeriodPrice(
        amount=amount(found, "unit_amount") if fixed else None,
        currency=currency(found),
        interval=interval_in(recurring),
        interval_count=whole(recurring, "interval_count") or 1,
    )


async def change_plan(
    client: stripe.StripeClient, subscription_id: str, plan: str, price: str, key: str
) -> None:
    """Change the price of the only item; what was paid for the rest of the period is credited."""
    found = answer_of(await client.v1.subscriptions.retrieve_async(subscription_id))[0]
    items = entries(inner(found, "items"), "data")
    if len(items) != 1:
        raise ProviderFailed(
            f"The subscription has {len(items)} items at Stripe: change it in its dashboard."
        )
    if text(inner(items[0], "price"), "id") == price:
        return
    await client.v1.subscriptions.update_async(
        subscription_id,
        {
            "items": [{"id": needed_text(items[0], "id"), "price": price}],
            "proration_behavior": "create_prorations",
            "metadata": {"plan": plan},
        },
        {"idempotency_key": key},
    )


def _subscribed(found: JsonObject, prices: Prices) -> Subscribed:
    state = needed_text(found, "status")
    if state not in _KNOWN:
        raise MalformedBody(f"The subscription has status {state!r}.")
    invoice = found.get("latest_invoice")
    open_invoice = invoice if isinstance(invoice, dict) and invoice.get("status") != "paid" else {}
    ended = moment(found, "ended_at")
    return structs.replace(
        _priced(found, prices),
        state=cast(SubscriptionState, state),
        provider_status=state,
        customer_id=reference(found, "customer"),
        cancel_at_period_end=ended is None and ledger.ends_with_period(found),
        trial_end=moment(found, "trial_end"),
        started_at=moment(found, "start_date") or moment(found, "created"),
        canceled_at=moment(found, "canceled_at"),
        ended_at=ended,
        cancellation_reason=text(inner(found, "cancellation_details"), "reason"),
        latest_invoice=reference(found, "latest_invoice"),
        attempts=whole(open_invoice, "attempt_count") or 0,
        next_attempt=moment(open_invoice, "next_payment_attempt"),
    )


def _priced(found: JsonObject, prices: Prices) -> Subscribed:
    """Read what is subscribed to: the first item and its price."""
    items = entries(inner(found, "items"), "data")
    item = items[0] if items else {}
    price = inner(item, "price")
    price_id, recurring = text(price, "id"), inner(price, "recurring")
    known = next((plan for plan, one in prices.items() if one and one == price_id), None)
    code = word(price, "currency")
    quantity = whole(item, "quantity") or 1
    unit = amount(price, "unit_amount")
    return Subscribed(
        provider_subscription_id=needed_text(found, "id"),
        state="incomplete",
        provider_status="",
        plan=known,
        noted_plan=text(inner(found, "metadata"), "plan"),
        provider_plan_id=price_id,
        amount=None if unit is None else unit * quantity,
        currency=code.upper() if code else None,
        quantity=quantity,
        interval=interval_in(recurring),
        interval_count=whole(recurring, "interval_count") or 1,
        current_period_start=moment(item, "current_period_start")
        or moment(found, "current_period_start"),
        current_period_end=ledger.period_end(found),
    )


def _occurred_at(found: JsonObject, paid: list[JsonObject]) -> datetime:
    """Return when the first of the invoices was paid: what its own event says is no older."""
    times = [moment(inner(one, "status_transitions"), "paid_at") for one in paid]
    known = [at for at in times if at is not None]
    return min(known, default=moment(found, "created") or EARLIEST)
