"""Months that are closed while their rows change: what comes of one, and then of the same again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeAlias

import pytest
from bson import ObjectId

from service.core.batches import Until
from service.merchants.operations.changing import find_merchant
from service.reports.operations import ahead, closing
from service.reports.operations.closing import Closing, Outcome, close_next
from service.reports.operations.running import Clockwork
from service.storage.database import EMPTY_TIME, Row
from tests.analytics.rows import change
from tests.analytics.test_now import roll_up
from tests.bookkeeping.books import FOREVER, post
from tests.payments.history.rows import pay, refund
from tests.reports.months import keep_books, moment
from tests.support.shop import Shop

Doing: TypeAlias = Callable[[Shop, dict[str, Row]], Awaitable[Any]]
IN_TIME = moment(2026, 11, 17, 3)


async def close_one(shop: Shop, until: Until = FOREVER, currency: str = "USD") -> Outcome:
    """Close the next month, as a process does that holds no lease, in as many runs as it takes."""
    merchant = await find_merchant("default", shop.clock.now())
    closes = Closing(Clockwork("default"), shop.clock, until)
    known = None
    while True:
        outcome = await close_next(merchant, currency, closes, known)
        if outcome.ahead is None:
            return outcome
        known = ahead.read(ahead.written(outcome.ahead))


async def forget(shop: Shop) -> None:
    """Have nothing be closed, and nothing be known of it."""
    for name in ("reports", "report_refusals"):
        await shop.database[name].delete_many({})
    await shop.database["audit_log"].delete_many({"action": "report.closed"})
    await shop.database["outbox"].delete_many({"topic": "report.closed"})


def what_came(outcome: Outcome) -> str | None:
    """Return the hash of what was closed, or why nothing was."""
    return outcome.report.hash if outcome.report else outcome.refused


def before_the_transaction(patch: pytest.MonkeyPatch, do: Callable[[], Awaitable[Any]]) -> None:
    """Do something once all was held against its entries, and the transaction is to begin."""
    hold = closing.hold_ahead

    async def then(*args: Any) -> ahead.Ahead:
        held = await hold(*args)
        await do()
        return held

    patch.setattr(closing, "hold_ahead", then)


async def late_sale(shop: Shop, _: dict[str, Row]) -> None:
    """Sell something in the month, which nobody has read or posted yet."""
    times = dict.fromkeys(("firstAt", "statusAt", "createdAt"), IN_TIME)
    await pay(f"pi_{ObjectId()}", **times, amount=700, unposted=True)


async def late_sale_counted(shop: Shop, sale: dict[str, Row]) -> None:
    """Sell something in the month; it is read, added up and posted."""
    await late_sale(shop, sale)
    await keep_books(shop)
    await roll_up(shop)


async def refunded(shop: Shop, sale: dict[str, Row]) -> None:
    """Refund something within the month, which is posted."""
    paid = sale["payments"]
    moves = [{"at": IN_TIME, "from": None, "to": "succeeded", "by": "test"}]
    await refund(paid, f"re_{ObjectId()}", IN_TIME, amount=1, history=moves, unposted=True)
    await change("payments", paid, refunded=1, unposted=True)
    await post(shop)


async def corrected(shop: Shop, sale: dict[str, Row]) -> None:
    """Revise an amount, which is not posted."""
    paid = sale["payments"]
    await change("payments", paid, amount=paid["amount"] + 5, unposted=True)


async def corrected_and_posted(shop: Shop, sale: dict[str, Row]) -> None:
    """Revise an amount, which is posted."""
    await corrected(shop, sale)
    await post(shop)


async def failed_after_all(shop: Shop, sale: dict[str, Row]) -> None:
    """Have a payment fail after all; it is read, added up and posted."""
    await change("payments", sale["payments"], status="failed", unposted=True)
    await post(shop)
    await roll_up(shop)


async def moved(shop: Shop, sale: dict[str, Row]) -> None:
    """Hear that a payment was there two days earlier."""
    earlier = sale["payments"]["firstAt"] - timedelta(days=2)
    await change("payments", sale["payments"], firstAt=earlier)
    await roll_up(shop)


async def wrongly_posted(shop: Shop, sale: dict[str, Row]) -> None:
    """Post more than there is, by a process whose clock is three hours behind."""
    id_ = str(sale["payments"]["_id"])
    entry = await shop.database["entries"].find_one({"objectId": id_})
    assert entry is not None
    at = entry["postedAt"] - timedelta(hours=3)
    twice = {"_id": f"payment:{id_}:{ObjectId()}", "postedAt": at, "writtenAt": EMPTY_TIME}
    await shop.database["entries"].insert_one(entry | twice)


async def posted_for_nothing(shop: Shop, _: dict[str, Row]) -> None:
    """Post for a payment that there is not: no report counts it."""
    entry = await shop.database["entries"].find_one({"kind": "payment"})
    assert entry is not None
    ghost = str(ObjectId())
    fresh = {"_id": f"payment:{ghost}:1", "objectId": ghost, "writtenAt": EMPTY_TIME}
    await shop.database["entries"].insert_one(entry | fresh)


DOINGS: list[Doing] = [
    late_sale,
    late_sale_counted,
    refunded,
    corrected,
    corrected_and_posted,
    failed_after_all,
    moved,
    wrongly_posted,
    posted_for_nothing,
]
