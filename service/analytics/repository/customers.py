"""Named queries on who pays: payments whose money came, and days of them that are kept."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.analytics.documents import CustomerDay
from service.analytics.repository.facts import Span, some_at_once
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME
from service.storage.database import WRITTEN_AT, DatabaseTime, Row
from service.storage.transaction import Transaction

_BATCH: Final = 5_000
_DAYS: Final = 30
_LONGEST_MS: Final = 15_000
_INDEX: Final = "merchant_status_createdAt_id"
_PAID: Final = {"_id": 0, "userId": 1, "amount": 1, "currency": 1}


def _came(merchant_id: str) -> Row:
    return {"merchantId": merchant_id, "status": {"$in": sorted(CAME)}}


class Paying(Struct, frozen=True):
    """Whose payments are read, of which times and in which currency; None: in all."""

    merchant_id: str
    spans: Sequence[Span]
    currency: str | None


async def paid_within(
    of: Paying, limit: int, tx: Transaction
) -> AsyncGenerator[Sequence[Row], None]:
    """Yield what users paid, by when each payment was first heard of; of 100 times up to a limit.

    Some at once.
    """
    wanted = _came(of.merchant_id) | {"userId": {"$type": "string"}}
    wanted |= {} if of.currency is None else {"currency": of.currency}
    for spans in some_at_once(of.spans):
        # Each time by itself, in a query that is nothing but these: in another one the database
        # now and then takes the bounds of none, and reads all payments there are.
        any_of = [wanted | {"createdAt": {"$gte": one[0], "$lt": one[1]}} for one in spans]
        found = Payment.get_pymongo_collection().find(
            {"$or": any_of},
            _PAID,
            session=tx.session,
            hint=_INDEX,
            limit=limit,
            batch_size=_BATCH,
            max_time_ms=_LONGEST_MS,
        )
        while rows := await found.to_list(_BATCH):
            yield rows


async def first_after(merchant_id: str, at: datetime | None, tx: Transaction) -> datetime | None:
    """Return when the first payment from a moment on was first heard of; None where none was."""
    wanted = _came(merchant_id) | ({} if at is None else {"createdAt": {"$gte": at}})
    found = Payment.get_pymongo_collection().find(
        wanted, {"createdAt": 1, "_id": 0}, session=tx.session, hint=_INDEX
    )
    rows = await found.sort([("createdAt", 1)]).limit(1).to_list()
    return rows[0]["createdAt"] if rows else None


async def days_written(merchant_id: str, after: DatabaseTime, tx: Transaction) -> set[datetime]:
    """Return the UTC days on which payments were first heard of that were changed after a time."""
    found = await Payment.get_pymongo_collection().aggregate(
        [
            {"$match": {"merchantId": merchant_id, WRITTEN_AT: {"$gt": after}}},
            {"$group": {"_id": {"$dateTrunc": {"date": "$createdAt", "unit": "day"}}}},
        ],
        session=tx.session,
        hint="merchant_writtenAt",
        maxTimeMS=_LONGEST_MS,
    )
    return {row["_id"] for row in await found.to_list()}


async def kept_within(
    merchant_id: str, currency: str, span: Span, but: Collection[datetime], tx: Transaction
) -> AsyncGenerator[Row, None]:
    """Yield the days that are kept of those which begin in a time, in their order."""
    found = CustomerDay.get_pymongo_collection().find(
        {"merchantId": merchant_id, "day": {"$gte": span[0], "$lt": span[1], "$nin": [*but]}},
        {"_id": 0, "day": 1, f"n.{currency}": 1, f"paid.{currency}": 1},
        session=tx.session,
        batch_size=_DAYS,
        max_time_ms=_LONGEST_MS,
    )
    found.sort([("merchantId", 1), ("day", 1)])
    async for row in found:
        yield row


async def remove(merchant_id: str, days: Collection[datetime] | None, tx: Transaction) -> None:
    """Remove some days that are kept; None: all."""
    some: Row = {} if days is None else {"day": {"$in": [*days]}}
    await CustomerDay.get_pymongo_collection().delete_many(
        {"merchantId": merchant_id} | some, session=tx.session
    )


async def add(row: Row, tx: Transaction) -> None:
    """Keep a day."""
    await CustomerDay.get_pymongo_collection().insert_one(row, session=tx.session)
