"""Named queries on quarter-hours that were added up."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from service.analytics.documents import Rollup
from service.analytics.repository.facts import Span, any_of, some_at_once
from service.analytics.states import SERIES, Part
from service.storage.database import Row
from service.storage.transaction import Transaction

_LONGEST_MS = 20_000


def in_currency(currency: str | None) -> Row | str:
    """Return which currencies are meant: one, or all there are; webhooks have none."""
    return {"$gt": SERIES} if currency is None else currency


async def replace(of: "Wanted", rows: Sequence[Row], tx: Transaction) -> None:
    """Put roll-ups in the place of those of some times."""
    rollups = Rollup.get_pymongo_collection()
    for query in of.queries():
        await rollups.delete_many(query, session=tx.session)
    if rows:
        await rollups.insert_many(rows, session=tx.session)


class Wanted(Struct, frozen=True):
    """Which roll-ups are read, and which parts; None: in all currencies.

    Those of webhooks and tracked events are `SERIES`.
    """

    merchant_id: str
    spans: Sequence[Span]
    currency: str | None
    parts: Collection[Part]
    but: Collection[datetime] = ()

    def queries(self) -> Iterator[Row]:
        """Yield the queries that find them, for some times each."""
        owner: Row = {"merchantId": self.merchant_id, "currency": in_currency(self.currency)}
        for spans in some_at_once(self.spans):
            wanted = owner | any_of("bucket", spans)
            if self.but:
                wanted.setdefault("bucket", {})["$nin"] = sorted(self.but)
            yield wanted


async def within(of: Wanted, tx: Transaction) -> list[Row]:
    """Return the roll-ups of some times, with the parts that are asked for."""
    fields = ["bucket", "currency", "totals", "slots", "payers"]
    fields += [f"parts.{one}" for one in of.parts]
    fields += ["payersBy"] if Part.RESOURCE in of.parts else []
    rows: list[Row] = []
    for query in of.queries():
        found = Rollup.get_pymongo_collection().find(
            query,
            {"_id": 0} | dict.fromkeys(fields, 1),
            session=tx.session,
            max_time_ms=_LONGEST_MS,
        )
        rows += await found.to_list()
    return rows


async def first_after(merchant_id: str, at: datetime | None, tx: Transaction) -> datetime | None:
    """Return the first quarter-hour of a merchant from a moment on; None where there is none."""
    wanted: Row = {"merchantId": merchant_id}
    if at is not None:
        wanted["bucket"] = {"$gte": at}
    found = Rollup.get_pymongo_collection().find(wanted, {"bucket": 1}, session=tx.session)
    rows = await found.sort([("merchantId", 1), ("bucket", 1)]).limit(1).to_list()
    return rows[0]["bucket"] if rows else None


async def count() -> int:
    """Count the roll-ups of all merchants."""
    return await Rollup.get_pymongo_collection().estimated_document_count()
