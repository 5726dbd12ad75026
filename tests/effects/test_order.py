"""Any order, twice, at once: the documents that follow are the same."""

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from service.payments.payments.operations import merging as payments
from service.storage.database import Row
from tests.effects import streams
from tests.effects.streams import Stream
from tests.support.events import Delivery
from tests.support.shop import Shop, a_few_at_once, completions

# Stream, provider, and how the session stands in the end.
STREAMS: list[tuple[Stream, str, str]] = [
    (streams.stripe_paid_later, "stripe", "completed"),
    (streams.stripe_intent_last, "stripe", "completed"),
    (streams.stripe_failed_later, "stripe", "failed"),
    (streams.stripe_second_checkout, "stripe", "completed"),
    (streams.razorpay_late_authorization, "razorpay", "completed"),
    (streams.razorpay_second_attempt, "razorpay", "completed"),
    (streams.razorpay_fell_through, "razorpay", "expired"),
    (streams.phonepe_slow_bank, "phonepe", "completed"),
    (streams.phonepe_declined, "phonepe", "failed"),
]
NAMES = [stream.__name__ for stream, _, _ in STREAMS]


async def _told_in_order(
    shop: Shop, stream: Stream, provider: str, order: Sequence[int], step: int
) -> str:
    """Deliver the events of a new session in an order, then all again; return the documents."""
    session = await shop.api.open(sessionId=_same_length(), paymentMethod=provider)
    deliveries = stream(shop, session, step)
    for number in (*order, *reversed(order)):
        await shop.receive(deliveries[number])
    return await shop.outcome(session["sessionId"])


def _same_length() -> str:
    return f"s-{secrets.token_hex(6)}"


async def _all_orders(shop: Shop, stream: Stream, provider: str, step: int) -> set[str]:
    session = await shop.api.open(paymentMethod=provider)
    many = range(len(stream(shop, session, step)))
    orders = itertools.permutations(many)
    told = (_told_in_order(shop, stream, provider, order, step) for order in orders)
    return set(await a_few_at_once(told))


@pytest.mark.parametrize(
    "step",
    # Orders of four facts minutes apart are held by test_any_order too: all of them are a search.
    [0, pytest.param(60, marks=pytest.mark.soak)],
    ids=["within a second", "minutes apart"],
)
@pytest.mark.parametrize(("stream", "provider", "status"), STREAMS, ids=NAMES)
async def test_every_order_of_a_stream_ends_in_equal_documents(
    shop: Shop, stream: Stream, provider: str, status: str, step: int
) -> None:
    outcomes = await _all_orders(shop, stream, provider, step)

    assert len(outcomes) == 1, "\n".join(sorted(outcomes))
    statuses = await shop.database["sessions"].distinct("status")
    assert status in statuses
    assert set(statuses) <= {status, "pending"}  # pending: the session that only counted events


@pytest.mark.parametrize(("stream", "provider", "status"), STREAMS, ids=NAMES)
async def test_all_events_of_a_stream_at_once_end_in_the_same_documents(
    shop: Shop, stream: Stream, provider: str, status: str
) -> None:
    in_order = await _told_in_order(shop, stream, provider, range(len(_events(stream))), 60)

    for _ in range(8):
        session = await shop.api.open(sessionId=_same_length(), paymentMethod=provider)
        deliveries = stream(shop, session, 60) * 2
        await asyncio.gather(*(shop.receive(delivery) for delivery in deliveries))
        assert await shop.outcome(session["sessionId"]) == in_order
        stored = await shop.session(session["sessionId"])
        assert stored["status"] == status
        assert completions(stored) == (status == "completed")


def _events(stream: Stream) -> list[Delivery]:
    class Clockless:
        def unix(self, after: int = 0) -> int:
            return 1

        stripe = Shop.stripe

    session = {"sessionId": "x", "amount": 1, "currency": "INR"}
    return stream(Clockless(), session, 60)  # type: ignore[arg-type]


async def test_control_where_the_latest_arrival_stands_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrivals = itertools.count()

    def by_arrival(*_: Any, **__: Any) -> tuple[int, datetime, int]:
        return -next(arrivals), shop.clock.now(), 0  # what is asked for first is what arrives

    monkeypatch.setattr(payments, "standing", by_arrival)
    outcomes = await _all_orders(shop, streams.stripe_paid_later, "stripe", 60)
    assert len(outcomes) > 1


async def test_control_where_the_first_details_stand_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid with differs from attempt to attempt, and each event has a part of it."""

    def first(known: Row, places: Row, reported: Row, *_: int) -> tuple[Row, Row]:
        return {**reported, **known}, {}

    monkeypatch.setattr(payments, "details_after", first)
    assert len(await _all_orders(shop, streams.stripe_paid_later, "stripe", 60)) > 1


async def test_the_details_of_a_payment_are_those_of_the_attempt_that_paid(shop: Shop) -> None:
    session = await shop.api.open()
    for delivery in streams.stripe_paid_later(shop, session, 60)[::-1]:
        await shop.receive(delivery)
    [row] = await shop.payments()
    charge = f"ch_2_{session['sessionId']}"
    ids = {"chargeId": charge, "methodId": "pm_2"}
    assert row["details"] == {**ids, "country": "DE", "tax": 0}
    assert row["aliases"] == [charge, f"cs_test_{session['sessionId']}"]
    assert (row["declineCode"], row["failureDetails"]) == (None, None)
    session = await shop.api.open(paymentMethod="razorpay")
    for delivery in streams.razorpay_late_authorization(shop, session, 60):
        await shop.receive(delivery)
    [row] = await shop.payments(provider="razorpay")
    assert (row["details"]["fee"], row["details"]["attemptCount"]) == (2, 3)
    assert row["aliases"] == ["0125836177", f"order_{session['sessionId']}"]


async def test_callbacks_without_a_time_end_alike_however_late_they_come(shop: Shop) -> None:
    statuses = []
    for order in (1, 1), (1, -1):
        session = await shop.api.open(paymentMethod="phonepe")
        for delivery in streams.phonepe_declined(shop, session, 0)[:: order[1]]:
            await shop.receive(delivery)
            shop.pass_time(seconds=40)
        [payment] = await shop.payments(sessionId=session["sessionId"])
        stored = await shop.session(session["sessionId"])
        statuses.append((stored["status"], payment["status"], payment["failureCode"]))
    assert statuses == [("failed", "failed", "SUCCESS")] * 2


async def test_the_older_of_two_known_checkouts_ends_nothing(shop: Shop) -> None:
    outcomes = set()
    for order in itertools.permutations(range(3)):
        session = await shop.api.open(sessionId=_same_length())
        sid = session["sessionId"]
        checkouts = [{"ref": f"cs_{n}_{sid}", "n": n, "openedAt": shop.clock.now()} for n in (1, 2)]
        await shop.database["sessions"].update_one(
            {"sessionId": sid},
            {
                "$set": {
                    "checkouts": checkouts,
                    "checkoutIds": [one["ref"] for one in checkouts],
                    "providerSessionId": f"cs_2_{sid}",
                }
            },
        )
        deliveries = streams.stripe_second_checkout(shop, session, 60)[1:]
        await shop.receive(deliveries[order[0]])
        assert (await shop.session(sid))["status"] in {"pending", "completed"}
        for number in order[1:]:
            await shop.receive(deliveries[number])
        outcomes.add(await shop.outcome(sid))
        assert (await shop.session(sid))["late"] is False
    assert len(outcomes) == 1


async def test_control_what_was_sold_and_which_event_a_payment_is_of_are_compared(
    shop: Shop,
) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    sid, seen = session["sessionId"], set()
    for collection, changes in [
        ("sessions", {}),
        ("sessions", {"eventId": "another concert"}),
        ("payments", {"eventId": "stripe:default:test:evt_of_another"}),
        ("payments", {"eventId": None}),
    ]:
        if changes:
            await shop.database[collection].update_one({"sessionId": sid}, {"$set": changes})
        seen.add(await shop.outcome(sid))
    assert len(seen) == 4
