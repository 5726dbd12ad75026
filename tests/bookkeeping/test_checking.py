"""A check of the books finds what is wrong, whatever it is; and nothing where nothing is."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence

import pytest

from service.bookkeeping.operations import check
from service.bookkeeping.operations.check import Books
from service.bookkeeping.operations.group import Booked
from service.core.batches import Until
from service.jobs.operations.run import run_job
from service.payments.entries.documents import Entry
from service.storage.database import Database
from service.storage.keys import Keys
from service.storage.transaction import Transaction
from tests.bookkeeping.books import CRON, FOREVER, checked, post
from tests.effects.returned import booked, stripe_dispute, stripe_refund
from tests.support.shop import Shop

Spoil = Callable[[Database], Awaitable[object]]


async def _paid(shop: Shop) -> None:
    await shop.receive(shop.stripe_paid(await shop.api.open()))
    await post(shop)
    assert (await checked()).count == 0


async def _entry_gone(database: Database) -> None:
    await database["entries"].delete_one({})


async def _line_changed(database: Database) -> None:
    await database["entries"].update_one({}, {"$inc": {"lines.0.amount": 1}})


async def _payment_changed(database: Database) -> None:
    await database["payments"].update_one({}, {"$inc": {"amount": 1}})


async def _payment_gone(database: Database) -> None:
    await database["payments"].delete_one({})


async def _no_event(database: Database) -> None:
    await database["entries"].update_one({}, {"$set": {"eventId": ""}})


async def _refunded_without_a_refund(database: Database) -> None:
    await database["payments"].update_one({}, {"$set": {"refunded": 100}})


async def _posted_twice(database: Database) -> None:
    entry = await database["entries"].find_one({})
    assert entry is not None
    await database["entries"].insert_one(entry | {"_id": entry["_id"] + "1"})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_entry_gone, "clearing:stripe lacks 1000"),
        (_line_changed, "its lines don't balance"),
        (_payment_changed, "lacks 1 "),
        (_payment_gone, "there is no payment"),
        (_no_event, "no event caused it"),
        (_refunded_without_a_refund, "refunded is 100, its rows add up to 0"),
        (_posted_twice, "clearing:stripe lacks -1000"),
    ],
)
async def test_what_is_wrong_in_the_books_is_found_and_named(
    shop: Shop, spoil: Spoil, words: str
) -> None:
    await _paid(shop)
    await spoil(shop.database)
    books = await checked()
    assert words in "; ".join(fault.what for fault in books.faults)


async def _returned(shop: Shop) -> None:
    """Have a payment refunded in part and disputed for the rest, and all of it posted."""
    session = await shop.api.open()
    gone = {"balance_transactions": [booked(session, 1, -700, 0)], "amount": 700}
    await shop.receive(shop.stripe_paid(session))
    await shop.receive(stripe_refund(shop, session, "updated", amount=300, status="succeeded"))
    await shop.receive(stripe_dispute(shop, session, "created", **gone))
    await post(shop)
    books = await checked()
    assert (books.count, books.unposted, books.entries) == (0, 0, 3)  # the control


async def _set(database: Database, collection: str, **fields: object) -> None:
    await database[collection].update_one({}, {"$set": fields})


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda db: _set(db, "payments", refunded=0), "refunded is 0, its rows add up to 300"),
        (lambda db: _set(db, "payments", excess=9), "refunded is 309, its rows add up to 300"),
        (lambda db: _set(db, "payments", reserved=9), "reserved is 9, its rows add up to 0"),
        (lambda db: _set(db, "payments", held=0), "held is 0, its rows add up to 700"),
        (lambda db: _set(db, "refunds", amount=299), "refunds lacks -1 INR"),
        (lambda db: _set(db, "disputes", movements=[]), "dispute_holds lacks -700 INR"),
        (lambda db: db["refunds"].delete_many({}), "there is no refund "),
        (lambda db: db["disputes"].delete_many({}), "there is no dispute "),
    ],
)
async def test_what_is_wrong_about_money_that_went_back_is_found_and_named(
    shop: Shop, spoil: Spoil, words: str
) -> None:
    await _returned(shop)
    await spoil(shop.database)
    books = await checked()
    assert words in "; ".join(fault.what for fault in books.faults)


@pytest.mark.parametrize(("collection", "fields"), [("refunds", {"void": True}), ("disputes", {})])
async def test_what_changed_of_a_refund_or_a_dispute_is_compared_once_it_is_posted(
    shop: Shop, collection: str, fields: dict[str, object]
) -> None:
    await _returned(shop)
    await _set(shop.database, collection, unposted=True, **fields)
    books = await checked()
    assert books.unposted == 1
    assert not any("lacks" in fault.what for fault in books.faults)


async def test_an_entry_that_does_not_balance_puts_its_currency_out_of_balance(shop: Shop) -> None:
    await _paid(shop)
    await _line_changed(shop.database)
    books = await checked()
    [said] = [one for one in books.faults if one.about == "INR"]
    assert said.what == "debit and credit differ by 1"


async def test_what_is_not_posted_yet_is_no_fault(shop: Shop) -> None:
    await _paid(shop)
    await shop.receive(shop.stripe_paid(await shop.api.open()))
    books = await checked()
    assert (books.count, books.unposted, books.payments) == (0, 1, 2)


async def test_a_check_that_was_ended_goes_on_where_it_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await _paid(shop)
    monkeypatch.setattr(check, "_AT_ONCE", 2)
    stopping, gather = asyncio.Event(), check.gather

    async def gather_and_stop(keys: Keys, tx: Transaction) -> Booked:
        stopping.set()
        return await gather(keys, tx)

    monkeypatch.setattr(check, "gather", gather_and_stop)
    first = await check.check_ledger(Until(math.inf, stopping))
    second = await check.check_ledger(FOREVER, first.reached)
    assert [(one.payments, one.whole) for one in (first, second)] == [(2, False), (3, True)]
    assert (await check.check_ledger(FOREVER)).payments == 5


@pytest.mark.parametrize("merchant_id", [None, "default"])
async def test_a_check_that_was_ended_among_entries_goes_on_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, merchant_id: str | None
) -> None:
    """It began with the first entry again: whoever had more than fit in a run had no end."""
    for _ in range(5):
        await _paid(shop)
    monkeypatch.setattr(check, "_AT_ONCE", 2)
    check_owners, stopping, looked_at = check._check_owners, asyncio.Event(), []

    async def check_and_stop(some: Sequence[Entry], books: Books) -> int:
        looked_at.extend(one.id for one in some)
        stopping.set()
        return await check_owners(some, books)

    monkeypatch.setattr(check, "_check_owners", check_and_stop)
    after, runs = None, 0
    while runs == 0 or stopping.is_set():
        stopping.clear()
        books = await check.check_ledger(Until(math.inf, stopping), after, merchant_id)
        after, runs = books.reached, runs + 1
    assert (books.whole, runs) == (True, 4)
    assert sorted(looked_at) == sorted(await shop.database["entries"].distinct("_id"))
    assert len(looked_at) == 5


async def test_the_job_tells_of_each_fault_and_forgets_where_it_was_at_the_end(shop: Shop) -> None:
    await _paid(shop)
    await _refunded_without_a_refund(shop.database)
    report = await run_job("ledger-check", shop.api.container.job_table, CRON)
    assert report.figures() == {"payments": 1, "entries": 1, "faults": 1}
    [row] = await shop.database["jobs"].find({"_id": "ledger-check"}).to_list()
    assert row["reached"] is None
