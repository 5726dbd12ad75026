"""What Razorpay pays a customer for a lost dispute is what the dispute took, and counts once."""

import asyncio
import itertools
from datetime import datetime
from typing import Any

import pytest

from service.effects import disputes, lost_disputes
from service.payments.disputes.documents import Dispute
from service.payments.payments import repository as payments_stored
from service.payments.payments.documents import Payment
from tests.bookkeeping.books import accounts, checked, post
from tests.effects.returned import Session, one_of, razorpay_dispute, razorpay_refund, try_waiting
from tests.support.events import Delivery
from tests.support.shop import Shop

_LOST = 100


def _refund(shop: Shop, session: Session, after: int, **fields: Any) -> Delivery:
    found = {"amount": 1000, "created_at": shop.unix(after)} | fields
    return razorpay_refund(shop, session, "processed", after, **found)


def _life(shop: Shop, session: Session) -> dict[str, Delivery]:
    return {
        "paid": shop.razorpay("payment.captured", session),
        "created": razorpay_dispute(shop, session, "created", 1),
        "lost": razorpay_dispute(shop, session, "lost", _LOST),
        "refund": _refund(shop, session, _LOST),
    }


async def _opened(shop: Shop) -> Session:
    return await shop.api.open(paymentMethod="razorpay")


async def _sums(shop: Shop, session: Session) -> tuple[int, int, int]:
    row = await one_of(shop, "payments", sessionId=session["sessionId"])
    return row["refunded"], row["excess"], row["held"]


async def _after(shop: Shop, *deliveries: Delivery) -> None:
    for delivery in deliveries:
        await shop.receive(delivery)
        await try_waiting(shop)


async def test_a_lost_dispute_and_its_refund_count_once_in_all_orders(shop: Shop) -> None:
    for order in itertools.permutations(("paid", "created", "lost", "refund")):
        session = await _opened(shop)
        events = _life(shop, session)
        await _after(shop, *(events[name] for name in order))
        assert await _sums(shop, session) == (0, 0, 1000), order
        refund = await one_of(shop, "refunds", sessionId=session["sessionId"])
        assert refund["byDispute"] == f"disp_{session['sessionId']}"


async def test_so_they_do_in_the_books_whichever_is_posted_first(shop: Shop) -> None:
    for order in (("lost", "refund"), ("refund", "lost")):
        session = await _opened(shop)
        events = _life(shop, session)
        for name in ("paid", *order):
            await _after(shop, events[name])
            await post(shop)
    assert await _but_for_fees(shop) == {"sales": -2000, "dispute_losses": 2000}
    assert (await checked()).count == 0


async def _but_for_fees(shop: Shop) -> dict[str, int]:
    found = await accounts(shop.database)
    found["clearing:razorpay"] += found.pop("fees")
    return {account: amount for account, amount in found.items() if amount}


async def test_control_counted_for_themselves_they_are_lost_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost_disputes, "paid_back", lambda *_: {})
    session = await _opened(shop)
    await _after(shop, *_life(shop, session).values())
    await post(shop)
    assert await _sums(shop, session) == (1000, 0, 1000)
    assert (await _but_for_fees(shop))["clearing:razorpay"] == -1000


async def _at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Report a refund while the event of its lost dispute is applied: the clock stands still."""
    session, read, reported = await _opened(shop), asyncio.Event(), asyncio.Event()
    find = disputes.find_payment

    async def find_and_wait(*asked: Any) -> Any:
        found = await find(*asked)
        if not read.is_set():
            read.set()
            await reported.wait()
        return found

    events = _life(shop, session)
    await _after(shop, events["paid"], events["created"])
    monkeypatch.setattr(disputes, "find_payment", find_and_wait)
    losing = asyncio.create_task(shop.receive(events["lost"]))
    await read.wait()
    await shop.receive(events["refund"])
    reported.set()
    await losing
    return session


async def test_at_once_in_one_millisecond_they_count_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _at_once(shop, monkeypatch)
    assert await _sums(shop, session) == (0, 0, 1000)


async def test_control_where_the_time_stays_neither_sees_the_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at(_: Payment, now: datetime) -> datetime:
        return now

    monkeypatch.setattr(Payment, "touched_at", at)
    monkeypatch.setattr(payments_stored, "NOW_WRITTEN", {})  # the database's time, too, is a write
    session = await _at_once(shop, monkeypatch)
    assert await _sums(shop, session) == (1000, 0, 1000)


@pytest.mark.parametrize(
    "other",
    [
        {"after": 5},  # while it was held: by nobody but the provider, for another reason
        {"after": _LOST + 2 * 86400},
        {"after": _LOST, "amount": 1001},
    ],
)
async def test_another_refund_counts_for_itself(shop: Shop, other: dict[str, int]) -> None:
    session = await _opened(shop)
    events = _life(shop, session)
    refund = _refund(shop, session, **other)
    await _after(shop, events["paid"], events["lost"], refund)
    assert await _sums(shop, session) == (1000, other.get("amount", 1000) - 1000, 1000)


async def test_a_dispute_pays_one_refund_and_a_second_counts(shop: Shop) -> None:
    session = await _opened(shop)
    events = _life(shop, session)
    parts = [
        _refund(shop, session, _LOST, id=f"rfnd_{number}", amount=amount)
        for number, amount in enumerate((600, 400))
    ]
    await _after(shop, *parts, events["paid"], events["lost"])
    assert await _sums(shop, session) == (400, 0, 1000)


async def test_where_a_dispute_that_was_lost_is_won_after_all_its_refund_counts(
    shop: Shop,
) -> None:
    session = await _opened(shop)
    won = razorpay_dispute(shop, session, "won", _LOST + 50, phase="arbitration")
    await _after(shop, *_life(shop, session).values(), won)
    await post(shop)
    assert await _sums(shop, session) == (1000, 0, 0)
    assert await _but_for_fees(shop) == {"sales": -1000, "refunds": 1000}
    assert (await checked()).count == 0


async def test_a_dispute_in_another_currency_holds_all_of_its_payment(shop: Shop) -> None:
    session = await _opened(shop)
    dollars = razorpay_dispute(shop, session, "created", 1, currency="USD", amount=12)
    await _after(shop, shop.razorpay("payment.captured", session), dollars)
    assert await _sums(shop, session) == (0, 0, 1000)
    assert (await one_of(shop, "disputes"))["held"] == 12
    await post(shop)
    assert (await checked()).count == 0
    await _after(shop, razorpay_dispute(shop, session, "won", 9, currency="USD", amount=12))
    assert await _sums(shop, session) == (0, 0, 0)


async def test_control_taken_as_it_is_it_leaves_most_to_be_refunded(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dispute, "takes_of", lambda dispute, _: dispute.held)
    session = await _opened(shop)
    dollars = razorpay_dispute(shop, session, "created", 1, currency="USD", amount=12)
    await _after(shop, shop.razorpay("payment.captured", session), dollars)
    assert await _sums(shop, session) == (0, 0, 12)
