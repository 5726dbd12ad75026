"""Named queries on quarter-hours that were added up."""

from collections.abc import Collection, Sequence
from datetime import datetime

from service.analytics.documents import Rollup
from service.analytics.repository.facts import Span
from service.analytics.states import Part
from service.storage.database import Row
from service.storage.transaction import Transaction

_LONGEST_MS = 20_000


async def replace(
    merchant_id: str, buckets: Collection[datetime], rows: Sequence[Row], tx: Transaction
) -> None:
    """Put roll-ups in the place of all that there are of some quarter-hours."""
    rollups = Rollup.get_pymongo_collection()
    wanted = {"merchantId": merchant_id, "bucket": {"$in": sorted(buckets)}}
    await rollups.delete_many(wanted, session=tx.session)
    if rows:
        await rollups.insert_many(rows, session=tx.session)


async def within(
    merchant_id: str,
    span: Span,
    currency: str | None,
    parts: Collection[Part],
    tx: Transaction,
) -> list[Row]:
    """Return the roll-ups of a time, with the parts that are asked for."""
    wanted: Row = {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    if currency is not None:
        wanted["currency"] = currency
    shown = ["bucket", "currency", "totals", "slots", "payers", *(f"parts.{one}" for one in parts)]
    found = Rollup.get_pymongo_collection().find(
        wanted, {"_id": 0} | dict.fromkeys(shown, 1), session=tx.session, max_time_ms=_LONGEST_MS
    )
    return await found.to_list()


async def count() -> int:
    """Count the roll-ups of all merchants."""
    return await Rollup.get_pymongo_collection().estimated_document_count()
