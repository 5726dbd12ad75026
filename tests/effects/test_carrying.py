"""Refunds and disputes go with their payment: whose it turns out to be, and what it comes to."""

import itertools
from typing import Any

import pytest

from service.effects import carrying
from tests.bookkeeping.books import checked
from tests.effects.returned import (
    ledger,
    one_of,
    stripe_dispute,
    stripe_refund,
    try_waiting,
)
from tests.support.events import Delivery, stripe_checkout
from tests.support.shop import Shop

# A session that is not there yet.
SESSION = {"sessionId": "s-1", "amount": 1000, "currency": "INR"}


async def _nobody(*_: Any) -> None: ...


def _claimed_late(shop: Shop) -> dict[str, Delivery]:
    return {
        "paid": shop.stripe("checkout.session.completed", stripe_checkout(SESSION), event_id="evt"),
        "refund": stripe_refund(shop, SESSION, status="succeeded", amount=300),
        "dispute": stripe_dispute(shop, SESSION, "created", 1, amount=200),
    }


async def _after(shop: Shop, order: tuple[str, ...]) -> str:
    """Let a session be opened amid the events of its payment, and all that waits be tried."""
    events = _claimed_late(shop)
    for name in order:
        if name == "open":
            await shop.api.open(sessionId="s-1")
        else:
            await shop.receive(events[name])
        for _ in range(2):  # the payment first, then what waited for it
            await shop.database["webhook_events"].update_many(
                {"status": "parked"}, {"$set": {"nextAttemptAt": shop.clock.now()}}
            )
            await try_waiting(shop)
    return await ledger(shop, SESSION)


async def _anew(shop: Shop) -> None:
    for name in ("sessions", "payments", "refunds", "disputes", "webhook_events"):
        await shop.database[name].delete_many({})


async def test_what_came_while_a_payment_was_nobody_s_is_of_its_session_in_any_order(
    shop: Shop,
) -> None:
    ends = set()
    for order in itertools.permutations(("paid", "refund", "dispute", "open")):
        await _anew(shop)
        ends.add(await _after(shop, order))
        for name in ("refunds", "disputes"):
            row = await one_of(shop, name)
            assert (row["sessionId"], row["userId"]) == ("s-1", "user_123"), (name, order)
    assert len(ends) == 1


async def test_control_what_is_not_carried_along_stays_nobody_s(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_carry", _nobody)
    await _after(shop, ("paid", "refund", "dispute", "open"))
    assert (await one_of(shop, "payments"))["sessionId"] == "s-1"
    assert (await one_of(shop, "refunds"))["sessionId"] is None


def _reported_anew(shop: Shop, session: dict[str, Any], **fields: Any) -> dict[str, Delivery]:
    again = stripe_checkout(session, **fields)
    return {
        "paid": shop.stripe_paid(session),
        "paid anew": shop.stripe("checkout.session.completed", again, 5),
        "refund": stripe_refund(shop, session, "updated", 6, status="succeeded"),
        "under way": stripe_refund(shop, session, "created", 6, id="re_2", amount=100),
        "dispute": stripe_dispute(shop, session, "created", 7),
    }


async def _sums(shop: Shop, order: tuple[str, ...], **fields: Any) -> tuple[Any, ...]:
    await _anew(shop)
    events = _reported_anew(shop, await shop.api.open(), **fields)
    for name in order:
        await shop.receive(events[name])
    row = await one_of(shop, "payments")
    return tuple(row[name] for name in ("amount", "refunded", "excess", "reserved", "held"))


_ORDERS = [
    order
    for order in itertools.permutations(("paid", "paid anew", "refund", "under way", "dispute"))
    if "paid" in order[0]  # what comes before its payment waits for it
]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"currency": "usd", "amount_total": 12}, (12, 0, 0, 0, 12)),
        ({"amount_total": 300}, (300, 300, 100, 100, 1000)),
    ],
)
async def test_the_sums_are_those_of_the_money_that_stands_in_any_order(
    shop: Shop, fields: dict[str, Any], expected: tuple[int, ...]
) -> None:
    for order in _ORDERS[::6]:
        assert await _sums(shop, order, **fields) == expected, order
        assert (await checked()).faults == []


async def test_control_what_is_not_derived_again_is_of_money_that_is_no_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_carry", _nobody)
    order = ("paid", "refund", "under way", "dispute", "paid anew")
    dollars = {"currency": "usd", "amount_total": 12}
    assert await _sums(shop, order, **dollars) == (12, 12, 388, 100, 1000)
