"""Named queries on rows that are downloaded: one cursor, and never all of it in memory."""

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from msgspec import Struct

from service.analytics.repository.facts import Span
from service.payments.entries.documents import Entry
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.storage.ahead import read_ahead, without_zones
from service.storage.database import Collection, Row

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


def payments(wanted: Wanted, *, metadata: bool, aware: bool) -> AsyncGenerator[Sequence[Row], None]:
    """Yield payments, newest first, some at a time; close at the end.

    `aware`: with times that know that they are UTC, which take as long to read as all the rest.
    """
    shown = dict.fromkeys((*_SHOWN, *(["metadata"] if metadata else [])), 1)
    collection = Payment.get_pymongo_collection()
    if not aware:
        collection = without_zones(collection)
    return _batches(collection, wanted.payments, shown, (_PAYMENTS, "createdAt", -1))


def entries(wanted: Wanted) -> AsyncGenerator[Sequence[Row], None]:
    """Yield entries, oldest first, some at a time; close at the end."""
    collection = without_zones(Entry.get_pymongo_collection())
    return _batches(collection, wanted.entries, None, (_ENTRIES, "postedAt", 1))


def _batches(
    collection: Collection, wanted: Row, shown: Row | None, order: tuple[str, str, int]
) -> AsyncGenerator[Sequence[Row], None]:
    index, by, direction = order
    found = collection.find(wanted, shown, hint=index).sort([(by, direction), ("_id", direction)])
    return read_ahead(found, BATCH, _WITHIN_S)
