"""Named queries on reports that were closed, and on what they are reconciled with."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import datetime
from typing import Final

from bson import ObjectId
from pymongo.asynchronous.cursor import AsyncCursor

from service.analytics.documents import DirtyBucket, Fact, Rollup
from service.analytics.repository.facts import Span, any_of, some_at_once
from service.analytics.states import Kind
from service.core.clock import EARLIEST
from service.core.paging import Cursor
from service.payments.disputes.documents import Dispute
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.reports.documents import ClosedReport, Refusal
from service.storage.answering import answers_in_time
from service.storage.database import WRITTEN_AT, DatabaseTime, Row
from service.storage.paging import newest_first
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

AT_ONCE: Final = 1_000
"""How many facts are held against their entries at a time."""
_WITHIN_S: Final = 20.0
_OF_MONEY: Final = {
    Kind.PAYMENT.value: Payment,
    Kind.REFUND.value: Refund,
    Kind.LOSS.value: Dispute,
}


def id_of(merchant_id: str, currency: str, month: str) -> str:
    """Return the id of a report."""
    return f"{merchant_id}:{currency}:{month}"


async def find(report_id: str, tx: Transaction = NO_TRANSACTION) -> ClosedReport | None:
    """Return a report; None where it is not closed."""
    found = await ClosedReport.get_pymongo_collection().find_one(
        {"_id": report_id}, session=tx.session
    )
    return None if found is None else ClosedReport.model_validate(found)


async def chain(merchant_id: str, currency: str, tx: Transaction) -> list[ClosedReport]:
    """Return all reports of a merchant in a currency, the earliest month first."""
    wanted = {"merchantId": merchant_id, "currency": currency}
    found = ClosedReport.get_pymongo_collection().find(wanted, session=tx.session)
    return [ClosedReport.model_validate(row) for row in await found.sort("month", 1).to_list()]


async def last(
    merchant_id: str, currency: str, tx: Transaction = NO_TRANSACTION
) -> ClosedReport | None:
    """Return the report of the latest month that is closed."""
    wanted = {"merchantId": merchant_id, "currency": currency}
    found = ClosedReport.get_pymongo_collection().find(wanted, session=tx.session)
    rows = await found.sort("month", -1).limit(1).to_list()
    return ClosedReport.model_validate(rows[0]) if rows else None


async def page(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[ClosedReport], Cursor | None]:
    """Return a page of a merchant's reports, the last closed first."""
    rows, following = await newest_first(
        ClosedReport.get_pymongo_collection(),
        {"merchantId": merchant_id},
        by="closedAt",
        cursor=cursor,
        limit=limit,
    )
    return [ClosedReport.model_validate(row) for row in rows], following


async def each(merchant_id: str | None) -> AsyncIterator[ClosedReport]:
    """Yield all reports of a merchant, None: of all merchants; in the order of their ids."""
    wanted = {} if merchant_id is None else {"merchantId": merchant_id}
    found = ClosedReport.get_pymongo_collection().find(wanted).sort("_id", 1)
    async with found.batch_size(AT_ONCE) as cursor:
        async for row in cursor:
            yield ClosedReport.model_validate(row)


async def insert(report: ClosedReport, tx: Transaction) -> None:
    """Keep a report, for good. Raises `Duplicate` where somebody else has closed it."""
    await tx.insert(ClosedReport.get_pymongo_collection(), report.to_row())
    await Refusal.get_pymongo_collection().delete_one({"_id": report.id}, session=tx.session)


async def refuse(refusal: Refusal, tx: Transaction = NO_TRANSACTION) -> None:
    """Keep why a month can't be closed, and since when."""
    row = refusal.to_row()
    since = row.pop("since")
    await Refusal.get_pymongo_collection().update_one(
        {"_id": row.pop("_id")},
        {"$set": row, "$setOnInsert": {"since": since}},
        upsert=True,
        session=tx.session,
    )


async def refusal(report_id: str) -> Refusal | None:
    """Return why a month can't be closed; None where nothing is known of that."""
    found = await Refusal.get_pymongo_collection().find_one({"_id": report_id})
    return None if found is None else Refusal.model_validate(found)


async def refusals() -> list[Refusal]:
    """Return all months that can't be closed, of all merchants."""
    rows = await Refusal.get_pymongo_collection().find({}).sort("_id", 1).to_list()
    return [Refusal.model_validate(row) for row in rows]


async def first_at(
    merchant_id: str, currency: str, tx: Transaction, since: datetime = EARLIEST
) -> datetime | None:
    """Return the first quarter-hour since a moment in which a merchant has anything."""
    rows = (
        Rollup.get_pymongo_collection()
        .find(
            {"merchantId": merchant_id, "currency": currency, "bucket": {"$gte": since}},
            {"bucket": 1, "_id": 0},
            hint="merchant_bucket_currency",
            session=tx.session,
        )
        .sort("bucket", 1)
        .limit(1)
    )
    return next((row["bucket"] for row in await rows.to_list()), None)


async def first_marked(merchant_id: str, tx: Transaction) -> datetime | None:
    """Return the first quarter-hour of a merchant whose roll-up may lack something."""
    found = DirtyBucket.get_pymongo_collection().find(
        {"merchantId": merchant_id}, {"bucket": 1, "_id": 0}, session=tx.session
    )
    rows = await found.sort("bucket", 1).limit(1).to_list()
    return rows[0]["bucket"] if rows else None


def walk_money(merchant_id: str, currency: str, span: Span) -> AsyncGenerator[list[Row], None]:
    """Yield the facts of a time that are about money, by time, `AT_ONCE` at a time.

    Close it at the end. Raises `Unavailable`.
    """
    return _in_time(_money(merchant_id, currency, [span], NO_TRANSACTION).sort("at", 1))


async def money_within(
    merchant_id: str, currency: str, spans: Sequence[Span], tx: Transaction
) -> AsyncIterator[list[Row]]:
    """Yield the facts of some times that are about money, some at a time."""
    for some in some_at_once(spans):
        async with _money(merchant_id, currency, some, tx) as cursor:
            while rows := await cursor.to_list(AT_ONCE):
                yield rows


def _money(
    merchant_id: str, currency: str, spans: Sequence[Span], tx: Transaction
) -> AsyncCursor[Row]:
    wanted = {"merchantId": merchant_id, "currency": currency, "kind": {"$in": [*_OF_MONEY]}}
    shown = {"kind": 1, "state": 1, "amount": 1, "at": 1}
    found = Fact.get_pymongo_collection().find(
        wanted | any_of("at", spans), shown, hint="merchant_at", session=tx.session
    )
    return found.batch_size(AT_ONCE)


async def _in_time(cursor: AsyncCursor[Row]) -> AsyncGenerator[list[Row], None]:
    async with cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(AT_ONCE)
            if not rows:
                return
            yield rows


async def written_after(
    kind: str, merchant_id: str, after: DatabaseTime, tx: Transaction
) -> list[str]:
    """Return which rows of a kind were changed after a time, by their keys in hex."""
    found = (
        _OF_MONEY[kind]
        .get_pymongo_collection()
        .find(
            {"merchantId": merchant_id, WRITTEN_AT: {"$gt": after}},
            {"_id": 1},
            hint="merchant_writtenAt",
            session=tx.session,
        )
    )
    return [str(row["_id"]) for row in await found.to_list()]


async def rows_of(kind: str, ids: Sequence[str], tx: Transaction) -> list[Row]:
    """Return of some rows, by their keys in hex, what says how they are posted."""
    found = (
        _OF_MONEY[kind]
        .get_pymongo_collection()
        .find(
            {"_id": {"$in": [ObjectId(one) for one in ids]}},
            {"unposted": 1, "movements": 1, "deducted": 1, "currency": 1},
            session=tx.session,
        )
    )
    return await found.to_list()
