"""A month that is not what the books say does not close, and says why; one that is, does."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bson import ObjectId

from service.core.errors import Unavailable
from service.merchants.documents import Merchant
from service.reports.operations import closing
from service.reports.operations.due import Due, next_month
from service.reports.operations.refusing import reports_refused
from service.storage.database import Database, Row
from service.storage.transaction import Transaction
from tests.analytics.rows import change
from tests.analytics.test_now import roll_up
from tests.bookkeeping.books import post
from tests.reports.months import at, close, keep_books, moment, monthly, sold, stored
from tests.support.shop import Shop

Tampering = Callable[[Database, Row], Awaitable[Any]]


async def _one_line(database: Database, entry: Row) -> None:
    await database["entries"].update_one({"_id": entry["_id"]}, {"$inc": {"lines.0.amount": 1}})


async def _both_lines(database: Database, entry: Row) -> None:
    lines = [one | {"amount": 2 * one["amount"]} for one in entry["lines"]]
    await database["entries"].update_one({"_id": entry["_id"]}, {"$set": {"lines": lines}})


async def _no_entry(database: Database, entry: Row) -> None:
    await database["entries"].delete_one({"_id": entry["_id"]})


async def _of_nothing(database: Database, entry: Row) -> None:
    ghost = str(ObjectId())
    row = entry | {"_id": f"payment:{ghost}:1", "objectId": ghost}
    await database["entries"].insert_one(row)


async def _amount(database: Database, entry: Row) -> None:
    row = await database["payments"].find_one({"_id": ObjectId(entry["objectId"])})
    assert row is not None
    await change("payments", row, amount=row["amount"] + 1)


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (_one_line, "don't balance"),
        (_both_lines, "lacks"),
        (_no_entry, "lacks"),
        (_of_nothing, "there is no payment"),
        (_amount, "lacks"),
    ],
)
async def test_books_that_were_tampered_with_close_nothing(
    shop: Shop, tamper: Tampering, says: str
) -> None:
    await sold(shop, 25, 31, days=15)
    await at(shop, moment(2026, 12, 4))
    entry = await shop.database["entries"].find_one({"kind": "payment", "lines.currency": "USD"})
    assert entry is not None
    await tamper(shop.database, entry)
    report = await close(shop)
    assert (report["closed"], report["refused"]) == (0, 3)
    answer = await monthly(shop, "2026-11")
    assert says in answer["refused"]
    seen = {one.subject: one.what for one in await reports_refused(shop.clock.now())}
    assert answer["refused"] in seen["USD:2026-11"]
    assert (answer["hash"], answer["report"]["closed"]) == (None, False)
    await shop.database["entries"].delete_many({})
    await keep_books(shop)
    assert (await close(shop))["closed"] == 3
    assert (await monthly(shop, "2026-11"))["refused"] is None
    assert await shop.database["report_refusals"].count_documents({}) == 0


async def test_a_row_whose_entries_are_not_posted_yet_lets_its_month_wait(shop: Shop) -> None:
    sales = await sold(shop, 25, 32, days=15)
    await at(shop, moment(2026, 12, 4))
    paid = next(
        one["payments"]
        for one in sales
        if one.get("payments", {}).get("status") == "succeeded"
        and one["payments"]["currency"] == "USD"
    )
    await change("payments", paid, amount=paid["amount"] + 5, unposted=True)
    report = await close(shop)
    assert (report["closed"], report["refused"]) == (2, 1)
    assert "not posted yet" in (await monthly(shop, "2026-11"))["refused"]
    await post(shop)
    assert (await close(shop))["closed"] == 1


async def test_another_merchants_books_hold_up_nothing(shop: Shop) -> None:
    sales = await sold(shop, 25, 33, days=15)
    theirs = next(
        one["payments"] for one in sales if one.get("payments", {}).get("status") == "succeeded"
    )
    await shop.admin("PUT", "/merchants/another", json={"name": "Another", "zone": "UTC"})
    await change("payments", theirs, merchantId="another")
    await shop.database["entries"].update_one(
        {"objectId": str(theirs["_id"])},
        {"$set": {"merchantId": "another"}, "$inc": {"lines.0.amount": 1}},
    )
    await roll_up(shop)
    await at(shop, moment(2026, 12, 4))
    report = await close(shop)
    assert (report["closed"], report["refused"]) == (3, 1)
    assert len(await stored(shop)) == 1
    [refusal] = await shop.database["report_refusals"].find({}).to_list()
    assert refusal["merchantId"] == "another"


async def _unanswered(*_: object) -> None:
    raise Unavailable("The database did not answer in time.")


async def test_a_month_that_takes_longer_than_one_transaction_may_says_so_until_it_is_closed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a line of the log alone: nobody heard that a large month was never closed."""
    await sold(shop, 25, 34, days=15)
    await at(shop, moment(2026, 12, 4))

    with monkeypatch.context() as patch:
        patch.setattr(closing, "disagreement", _unanswered)
        report = await close(shop)
    assert (report["closed"], report["refused"], report["unknown"]) == (0, 3, 0)
    told = (await monthly(shop, "2026-11"))["refused"]
    assert "within the 45 s" in told
    assert "did not answer in time" in told
    assert [one for one in await reports_refused(shop.clock.now()) if told in one.what]
    assert (await close(shop))["closed"] == 3  # the control
    assert await reports_refused(shop.clock.now()) == []


async def test_where_the_database_answers_nothing_at_all_nobody_can_tell(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sold(shop, 25, 35, days=15)
    await at(shop, moment(2026, 12, 4))
    monkeypatch.setattr(closing, "under", _unanswered)
    report = await close(shop)
    assert (report["closed"], report["refused"], report["unknown"]) == (0, 0, 1)


async def test_a_month_that_is_not_due_yet_is_not_refused_where_nobody_answered(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever closes asks for the next month until none is due."""
    await sold(shop, 25, 36, days=15)
    await at(shop, moment(2026, 12, 4))
    asked: list[str] = []

    async def silent_at_first(merchant: Merchant, currency: str, tx: Transaction) -> Due | None:
        due = await next_month(merchant, currency, tx)
        if due is not None and due.month == "2026-12" and not asked:
            asked.append(due.month)
            raise Unavailable("The database did not answer in time.")
        return due

    monkeypatch.setattr(closing, "next_month", silent_at_first)
    report = await close(shop)
    assert (report["closed"], report["refused"], asked) == (3, 0, ["2026-12"])
