"""What is posted for refunds and disputes, in whatever order their events come."""

import itertools
from typing import Any

import pytest

from tests.bookkeeping.books import accounts, checked, post
from tests.effects.returned import Session, booked, stripe_dispute, stripe_refund, try_waiting
from tests.support.events import Delivery
from tests.support.shop import Shop

SOLD = {"clearing:stripe": 1000, "sales": -1000}


def _lost(shop: Shop, session: Session) -> dict[str, Delivery]:
    gone = {"balance_transactions": [booked(session, 1, -1000, 1500)]}
    return {
        "paid": shop.stripe_paid(session),
        "opened": stripe_dispute(shop, session, "created", **gone),
        "lost": stripe_dispute(shop, session, "closed", status="lost", **gone),
    }


def _refunded(shop: Shop, session: Session) -> dict[str, Delivery]:
    return {
        "paid": shop.stripe_paid(session),
        "made": stripe_refund(shop, session, "created", amount=300, status="pending"),
        "done": stripe_refund(shop, session, "updated", amount=300, status="succeeded"),
        "failed": stripe_refund(shop, session, "failed", amount=300, status="failed"),
    }


@pytest.mark.parametrize(
    ("life", "expected"),
    [
        (_lost, {"clearing:stripe": -1500, "sales": -1000, "dispute_losses": 1000, "fees": 1500}),
        (_refunded, SOLD),
    ],
)
async def test_every_order_of_a_life_posted_at_each_step_balances_alike(
    shop: Shop, life: Any, expected: dict[str, int]
) -> None:
    names = [name for name in life(shop, await shop.api.open()) if name != "made"]
    for order in itertools.permutations(names):
        for name in ("payments", "refunds", "disputes", "entries", "webhook_events"):
            await shop.database[name].delete_many({})
        events = life(shop, await shop.api.open())
        for name in order:
            await shop.receive(events[name])
            await try_waiting(shop)
            await post(shop)
        assert await accounts(shop.database) == expected, order
        books = await checked()
        assert (books.count, books.unposted) == (0, 0), books.faults


async def test_a_refund_is_in_transit_and_then_gone_and_comes_back_where_it_fails(
    shop: Shop,
) -> None:
    events = _refunded(shop, await shop.api.open())
    seen = []
    for event in events.values():
        await shop.receive(event)
        await post(shop)
        seen.append(await accounts(shop.database))
    assert seen == [
        SOLD,
        SOLD | {"refunds": 300, "refunds_in_transit": -300},
        SOLD | {"refunds": 300, "clearing:stripe": 700},
        SOLD,
    ]


async def test_the_refund_of_a_duplicate_is_taken_from_suspense(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session, payment_intent="pi_first"))
    await shop.receive(shop.stripe_paid(session))
    await post(shop)
    await shop.receive(stripe_refund(shop, session, "updated", amount=1000, status="succeeded"))
    await post(shop)
    assert await accounts(shop.database) == SOLD
    assert (await checked()).count == 0
