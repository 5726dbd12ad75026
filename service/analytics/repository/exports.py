"""Named queries on rows that are downloaded: some at a time, and never all of it in memory."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from msgspec import Struct

from service.analytics.repository.facts import Span
from service.payments.entries.documents import Entry
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.storage.ahead import lists_ahead, read_ahead, without_zones
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.documents import bound_client

BATCH: Final = 500
_WITHIN_S: Final = 30.0
_PAYMENTS, _ENTRIES = "merchant_status_createdAt_id", "merchant_postedAt"
_SHOWN: Final = (
    *("provider", "providerPaymentId", "sessionId", "userId", "planId", "planName", "amount"),
    *("currency", "status", "statusAt", "createdAt", "refunded", "paymentMethod"),
    *("failureCode", "details.fee", "details.feeCurrency", "details.country"),
)


class Wanted(Struct, frozen=True):
    """Which rows are downloaded; None: of all currencies."""

    merchant_id: str
    span: Span
    currency: str | None = None

    @property
    def payments(self) -> Row:
        """Return the query for payments, by when each was first heard of."""
        wanted: Row = {
            "merchantId": self.merchant_id,
            "status": {"$in": [*PaymentStatus]},
            "createdAt": {"$gte": self.span[0], "$lt": self.span[1]},
        }
        return wanted | ({"currency": self.currency} if self.currency else {})

    @property
    def entries(self) -> Row:
        """Return the query for entries, by when each was posted."""
        wanted: Row = {
            "merchantId": self.merchant_id,
            "postedAt": {"$gte": self.span[0], "$lt": self.span[1]},
        }
        return wanted | ({"lines.currency": self.currency} if self.currency else {})


async def count_payments(wanted: Wanted, limit: int) -> int:
    """Count payments up to a limit."""
    payments = Payment.get_pymongo_collection()
    return await payments.count_documents(wanted.payments, limit=limit, hint=_PAYMENTS)


async def count_entries(wanted: Wanted, limit: int) -> int:
    """Count entries up to a limit."""
    entries = Entry.get_pymongo_collection()
    return await entries.count_documents(wanted.entries, limit=limit, hint=_ENTRIES)


async def has_entries(merchant_id: str, currency: str) -> bool:
    """Return whether a merchant has an entry in a currency, of whatever time."""
    wanted = {"merchantId": merchant_id, "lines.currency": currency}
    return (
        await Entry.get_pymongo_collection().find_one(wanted, {"_id": 1}, hint=_ENTRIES) is not None
    )


async def payments(
    wanted: Wanted, *, metadata: bool, aware: bool
) -> AsyncGenerator[Sequence[Row], None]:
    """Yield payments, newest first, some at a time; close at the end.

    `aware`: with times that know that they are UTC, which take as long to read as all the rest.
    Each time is one snapshot, and the next goes on behind its last payment. One cursor merged the
    states as the index has them, and passed by what went to another one meanwhile.
    """
    shown = dict.fromkeys((*_SHOWN, *(["metadata"] if metadata else [])), 1)
    collection = Payment.get_pymongo_collection()
    if not aware:
        collection = without_zones(collection)
    last: Row | None = None

    async def following() -> list[Row]:
        nonlocal last
        rows: list[Row] = []
        async with answers_in_time(_WITHIN_S), bound_client().start_session(snapshot=True) as one:
            for query, order in _behind(wanted.payments, last):
                found = collection.find(query, shown, hint=_PAYMENTS, session=one)
                rows += await found.sort(order).limit(BATCH - len(rows)).to_list()
                if len(rows) == BATCH:
                    break
        last = rows[-1] if rows else last
        return rows

    async with aclosing(lists_ahead(following)) as lists:
        async for rows in lists:
            yield rows


def _behind(wanted: Row, last: Row | None) -> list[tuple[Row, list[tuple[str, int]]]]:
    """Return the queries for what follows a payment, and their order: first those of its moment.

    Of these the order names the `_id` alone: with both the database sorts them for each query.
    """
    order = [("createdAt", -1), ("_id", -1)]
    if last is None:
        return [(wanted, order)]
    at = last["createdAt"]
    same = wanted | {"createdAt": at, "_id": {"$lt": last["_id"]}}
    return [(same, order[1:]), (wanted | {"createdAt": wanted["createdAt"] | {"$lt": at}}, order)]


def entries(wanted: Wanted) -> AsyncGenerator[Sequence[Row], None]:
    """Yield entries, oldest first, some at a time; close at the end."""
    collection = without_zones(Entry.get_pymongo_collection())
    found = collection.find(wanted.entries, None, hint=_ENTRIES)
    return read_ahead(found.sort([("postedAt", 1), ("_id", 1)]), BATCH, _WITHIN_S)
