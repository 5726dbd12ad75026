"""Subscriptions at Stripe, against a stand-in that really speaks HTTP."""

from typing import Any

import pytest

from service.core.errors import ProviderFailed, ProviderUnreachable
from service.providers.facts import InvoicePaid, SubscriptionRead
from service.providers.stripe.adapter import StripeProvider
from service.providers.subscribing import Subscribes
from tests.providers.stripe.fake import FakeStripe

SUB = "sub_1"
READ, UPDATE = f"GET /v1/subscriptions/{SUB}", f"POST /v1/subscriptions/{SUB}"
CANCEL, RESUME = f"DELETE /v1/subscriptions/{SUB}", f"POST /v1/subscriptions/{SUB}/resume"
INVOICES = "GET /v1/invoices"


def _subscription(**fields: Any) -> dict[str, Any]:
    recurring = {"interval": "month", "interval_count": 3}
    price = {"id": "price_1", "unit_amount": 900, "currency": "usd", "recurring": recurring}
    item = {"id": "si_1", "quantity": 2, "price": price, "current_period_end": 1_795_000_000}
    return {
        "id": SUB,
        "object": "subscription",
        "status": "active",
        "livemode": False,
        "created": 1_790_000_000,
        "customer": "cus_1",
        "metadata": {"sessionId": "ps_1", "plan": "gold"},
        "items": {"object": "list", "data": [item]},
        "latest_invoice": {"id": "in_2", "status": "open", "attempt_count": 2},
    } | fields


def _invoice(number: int, paid_at: int) -> dict[str, Any]:
    payment = {"type": "payment_intent", "payment_intent": f"pi_{number}"}
    return {
        "id": f"in_{number}",
        "object": "invoice",
        "status": "paid",
        "amount_paid": 1800,
        "currency": "usd",
        "parent": {"subscription_details": {"subscription": SUB}},
        "payments": {"object": "list", "data": [{"payment": payment}]},
        "status_transitions": {"paid_at": paid_at},
    }


async def test_a_reading_says_how_it_stands_and_what_paid_its_invoices(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    assert isinstance(provider, Subscribes)
    fake.will_answer(READ, _subscription())
    invoices = [_invoice(1, 1_792_000_000), _invoice(0, 1_791_000_000)]
    fake.will_answer(INVOICES, {"object": "list", "data": invoices, "has_more": False})
    event = await provider.read_subscription(SUB, 9)
    said, *paid = event.facts
    assert isinstance(said, SubscriptionRead)
    found = said.subscription
    assert (said.read, found.state, found.attempts) == (9, "active", 2)
    assert (found.plan, found.noted_plan) == (None, "gold")  # what was sent along may be old
    assert (found.amount, found.quantity, found.interval_count) == (1800, 2, 3)
    assert [one.payment.aliases for one in paid if isinstance(one, InvoicePaid)] == [
        ("pi_1",),
        ("pi_0",),
    ]
    assert int(event.occurred_at.timestamp()) == 1_791_000_000
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_a_state_that_nobody_knows_is_no_answer(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(READ, _subscription(status="frozen"))
    fake.will_answer(INVOICES, {"object": "list", "data": []})
    with pytest.raises(ProviderFailed):
        await provider.read_subscription(SUB, 1)


async def test_that_there_is_none_by_our_key_is_no_end(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse(READ, 404, code="resource_missing", message="No such subscription")
    with pytest.raises(ProviderFailed):
        await provider.read_subscription(SUB, 1)


@pytest.mark.parametrize(
    ("stands", "route", "sent"),
    [
        ({"cancel_at_period_end": True}, UPDATE, {"cancel_at_period_end": "false"}),
        ({"cancel_at": 1_795_000_000}, UPDATE, {"cancel_at": ""}),
        ({"status": "paused"}, RESUME, {}),
    ],
)
async def test_what_goes_on_is_asked_for_by_what_would_end_it(
    fake: FakeStripe,
    provider: StripeProvider,
    stands: dict[str, Any],
    route: str,
    sent: dict[str, str],
) -> None:
    fake.will_answer(READ, _subscription(**stands))
    fake.will_answer(route, _subscription())
    await provider.reactivate_subscription(SUB)
    asked = fake.asked[-1]
    assert (f"{asked.method} {asked.path}", asked.params) == (route, sent)


async def test_it_is_ended_now_or_with_its_period(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(UPDATE, _subscription())
    fake.will_answer(CANCEL, _subscription(status="canceled"))
    await provider.cancel_subscription(SUB, at_period_end=True)
    assert fake.asked[-1].params == {"cancel_at_period_end": "true"}
    await provider.cancel_subscription(SUB, at_period_end=False)
    assert fake.asked[-1].method == "DELETE"


async def test_a_plan_that_it_has_already_is_not_asked_for_once_more(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(READ, _subscription())
    fake.will_answer(UPDATE, _subscription())
    await provider.change_plan(SUB, "basic", "price_1", "key_1")
    assert [one.method for one in fake.asked] == ["GET"]
    await provider.change_plan(SUB, "premium", "price_2", "key_1")
    asked = fake.asked[-1]
    assert asked.headers["idempotency-key"] == "key_1"
    assert (asked.params["items[0][id]"], asked.params["items[0][price]"]) == ("si_1", "price_2")
    assert asked.params["proration_behavior"] == "create_prorations"


async def test_one_of_several_items_is_left_to_its_dashboard(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    several = _subscription()
    several["items"]["data"] *= 2
    fake.will_answer(READ, several)
    with pytest.raises(ProviderFailed, match="2 items"):
        await provider.change_plan(SUB, "premium", "price_2", "key_1")


async def test_a_server_that_fails_leaves_the_outcome_open(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will("hang up", CANCEL)
    with pytest.raises(ProviderUnreachable):
        await provider.cancel_subscription(SUB, at_period_end=False)


@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({}, 900),
        ({"billing_scheme": "tiered"}, None),
        ({"recurring": {"usage_type": "metered"}}, None),
    ],
)
async def test_a_price_is_read_and_one_by_usage_or_tiers_has_no_fixed_amount(
    fake: FakeStripe, provider: StripeProvider, fields: dict[str, Any], amount: int | None
) -> None:
    recurring = {"interval": "month", "interval_count": 3, "usage_type": "licensed"}
    price = {"id": "price_1", "billing_scheme": "per_unit", "unit_amount": 900, "currency": "usd"}
    fake.will_answer("GET /v1/prices/price_1", price | {"recurring": recurring} | fields)
    found = await provider.read_price("price_1")
    assert (found.amount, found.currency) == (amount, "USD")
    if "recurring" not in fields:
        assert (found.interval, found.interval_count) == ("month", 3)


async def test_a_price_that_is_not_there_is_a_provider_that_failed(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse("GET /v1/prices/price_1", 404, code="resource_missing", message="No such")
    with pytest.raises(ProviderFailed) as raised:
        await provider.read_price("price_1")
    assert raised.value.definite
