"""Named queries on days and months that were added up."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from service.analytics.documents import DayRollup, MonthRollup
from service.analytics.repository.facts import Span, any_of, some_at_once
from service.analytics.repository.rollups import Wanted, in_currency
from service.analytics.states import SERIES, Part
from service.storage.database import Row
from service.storage.transaction import Transaction

Longer: TypeAlias = type[DayRollup] | type[MonthRollup]

_LONGEST_MS = 20_000
LONGEST_DAY: Final = timedelta(days=2)
"""Longer than any: clocks have changed by 24 hours at once."""
_INDEX: Final = "merchant_bucket_until_currency"


async def replace_days(
    merchant_id: str,
    currency: str | None,
    days: Iterable[Span],
    rows: Sequence[Row],
    tx: Transaction,
) -> None:
    """Put days in the place of all that overlap with some times."""
    collection = DayRollup.get_pymongo_collection()
    for begins, ends in days:
        overlaps = {"$gt": begins - LONGEST_DAY, "$lt": ends}
        wanted = {"merchantId": merchant_id, "bucket": overlaps, "until": {"$gt": begins}}
        wanted["currency"] = in_currency(currency)
        await collection.delete_many(wanted, session=tx.session)
    if rows:
        await collection.insert_many(rows, session=tx.session)


async def add_months(rows: Sequence[Row], tx: Transaction) -> None:
    """Insert months."""
    if rows:
        await MonthRollup.get_pymongo_collection().insert_many(rows, session=tx.session)


async def remove_months(merchant_id: str, since: datetime, tx: Transaction) -> None:
    """Remove the months of a merchant that end after a moment."""
    await MonthRollup.get_pymongo_collection().delete_many(
        {"merchantId": merchant_id, "until": {"$gt": since}}, session=tx.session
    )


async def remove_all(merchant_id: str, tx: Transaction) -> None:
    """Remove all days and months of a merchant."""
    for document in (DayRollup, MonthRollup):
        await document.get_pymongo_collection().delete_many(
            {"merchantId": merchant_id}, session=tx.session
        )


async def made_within(kind: Longer, of: Wanted, tx: Transaction) -> list[Span]:
    """Return which whole days or months of some times were added up, in whatever currency.

    What has none is added up by itself.
    """
    found: set[Span] = set()
    currency = in_currency(SERIES if of.currency == SERIES else None)
    for some in some_at_once(of.spans):
        rows = kind.get_pymongo_collection().find(
            {"merchantId": of.merchant_id, "currency": currency, **any_of("bucket", some)},
            {"_id": 0, "bucket": 1, "until": 1},
            session=tx.session,
            hint=_INDEX,
        )
        found |= {(row["bucket"], row["until"]) for row in await rows.to_list()}
    return sorted(one for one in found if _is_in(one, of.spans))


async def within(kind: Longer, of: Wanted, by_hour: bool, tx: Transaction) -> list[Row]:
    """Return the days or months of some times, with the parts that are asked for."""
    fields = ["bucket", "until", "currency", "slots", "payers", "without"]
    fields += [f"parts.{one}" for one in of.parts]
    fields += ["payersBy"] if Part.RESOURCE in of.parts else []
    fields += ["hours", "offsets"] if by_hour else ["totals"]
    rows: list[Row] = []
    for query in of.queries():
        found = kind.get_pymongo_collection().find(
            query,
            {"_id": 0} | dict.fromkeys(fields, 1),
            session=tx.session,
            max_time_ms=_LONGEST_MS,
        )
        rows += await found.to_list()
    return rows


async def who_retried(of: Wanted, tx: Transaction) -> dict[Span, bytes]:
    """Return who tried again in whole months of some times, where it was kept."""
    found: dict[Span, bytes] = {}
    for query in of.queries():
        rows = MonthRollup.get_pymongo_collection().find(
            query | {"retried": {"$exists": True}},
            {"_id": 0, "bucket": 1, "until": 1, "retried": 1},
            session=tx.session,
        )
        found |= {(row["bucket"], row["until"]): row["retried"] for row in await rows.to_list()}
    return {one: retried for one, retried in found.items() if _is_in(one, of.spans)}


async def days_of(merchant_id: str, span: Span, tx: Transaction) -> list[Row]:
    """Return the days of a time as they are stored, in all currencies and in their order."""
    wanted = {"merchantId": merchant_id, "currency": in_currency(None)}
    wanted |= any_of("bucket", [span])
    found = DayRollup.get_pymongo_collection().find(wanted, session=tx.session)
    return await found.sort([("bucket", 1)]).to_list()


async def begins_of(merchant_id: str, span: Span) -> set[datetime]:
    """Return when the days of a time begin."""
    wanted = {"merchantId": merchant_id, "bucket": {"$gte": span[0], "$lt": span[1]}}
    return {*await DayRollup.get_pymongo_collection().distinct("bucket", wanted)}


async def count(kind: Longer) -> int:
    """Count the days or months of all merchants."""
    return await kind.get_pymongo_collection().estimated_document_count()


def _is_in(whole: Span, spans: Sequence[Span]) -> bool:
    return any(since <= whole[0] and whole[1] <= until for since, until in spans)
