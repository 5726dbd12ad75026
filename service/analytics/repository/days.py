"""Named queries on days that were added up."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from service.analytics.documents import DayRollup
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import in_currency
from service.analytics.states import Part
from service.storage.database import Row
from service.storage.transaction import Transaction

_LONGEST_MS = 20_000
_LONGEST_DAY = timedelta(days=2)
"""Longer than any: clocks have changed by 24 hours at once."""
_INDEX = "merchant_bucket_until_currency"


async def replace(
    merchant_id: str,
    currency: str | None,
    days: Iterable[Span],
    rows: Sequence[Row],
    tx: Transaction,
) -> None:
    """Put days in the place of all that overlap with some times."""
    collection = DayRollup.get_pymongo_collection()
    for begins, ends in days:
        overlaps = {"$gt": begins - _LONGEST_DAY, "$lt": ends}
        wanted = {"merchantId": merchant_id, "bucket": overlaps, "until": {"$gt": begins}}
        wanted["currency"] = in_currency(currency)
        await collection.delete_many(wanted, session=tx.session)
    if rows:
        await collection.insert_many(rows, session=tx.session)


async def remove_all(merchant_id: str, tx: Transaction) -> None:
    """Remove all days of a merchant."""
    await DayRollup.get_pymongo_collection().delete_many(
        {"merchantId": merchant_id}, session=tx.session
    )


async def made_within(merchant_id: str, span: Span, tx: Transaction) -> list[Span]:
    """Return which whole days of a time were added up, in whatever currency."""
    wanted = {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    found = DayRollup.get_pymongo_collection().find(
        wanted, {"_id": 0, "bucket": 1, "until": 1}, session=tx.session, hint=_INDEX
    )
    days = {(row["bucket"], row["until"]) for row in await found.to_list()}
    return sorted(day for day in days if day[1] <= span[1])


async def within(
    merchant_id: str,
    span: Span,
    currency: str | None,
    shown: Collection[Part | str],
    tx: Transaction,
) -> list[Row]:
    """Return the days of a time, with the parts and fields that are asked for."""
    wanted: Row = {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    wanted["currency"] = in_currency(currency)
    names = (f"parts.{one.value}" if isinstance(one, Part) else one for one in shown)
    fields = dict.fromkeys(
        ["bucket", "currency", "totals", "slots", "payers", "without", *names], 1
    )
    if Part.RESOURCE in shown:
        fields["payersBy"] = 1
    found = DayRollup.get_pymongo_collection().find(
        wanted, {"_id": 0} | fields, session=tx.session, max_time_ms=_LONGEST_MS
    )
    return await found.to_list()


async def begins_of(merchant_id: str, span: Span) -> set[datetime]:
    """Return when the days of a time begin."""
    wanted = {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    return {*await DayRollup.get_pymongo_collection().distinct("bucket", wanted)}


async def count() -> int:
    """Count the days of all merchants."""
    return await DayRollup.get_pymongo_collection().estimated_document_count()
