"""Named queries on events that a merchant's own server tracks: a series beside the ledger."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from service.analytics.documents import TrackedEvent
from service.analytics.repository.facts import Span
from service.storage.database import Row

_LONGEST_MS: Final = 10_000
MOST_RESOURCES: Final = 100


class TrackedSum(Struct, frozen=True):
    """The events of one type, state and currency; `amount` in minor units of that."""

    type: str
    state: str | None
    currency: str | None
    n: int
    amount: int


class TrackedResource(Struct, frozen=True):
    """How often one resource was accessed, and by how many."""

    resource: str
    n: int
    payers: int


async def insert(row: Row) -> None:
    """Insert an event. Raises `Duplicate` where one has its id."""
    await TrackedEvent.get_pymongo_collection().insert_one(row)


async def sums(merchant_id: str, span: Span) -> Sequence[TrackedSum]:
    """Add up the events of a time by type, state and currency."""
    key = {"type": "$type", "state": "$state", "currency": "$currency"}
    group = {"_id": key, "n": {"$sum": 1}, "amount": {"$sum": {"$ifNull": ["$amount", 0]}}}
    rows = await _rows(merchant_id, span, [{"$group": group}])
    return [msgspec.convert(row | row["_id"], TrackedSum) for row in rows]


async def resources(merchant_id: str, span: Span) -> Sequence[TrackedResource]:
    """Return the resources that were accessed most in a time."""
    by_payer = {"_id": {"r": "$resource", "p": "$payer"}, "n": {"$sum": 1}}
    known = {"$cond": [{"$eq": [{"$type": "$_id.p"}, "string"]}, 1, 0]}
    group = {"_id": "$_id.r", "n": {"$sum": "$n"}, "payers": {"$sum": known}}
    stages: list[Row] = [
        {"$match": {"resource": {"$type": "string"}}},
        {"$group": by_payer},
        {"$group": group},
        {"$sort": {"n": -1, "_id": 1}},
        {"$limit": MOST_RESOURCES},
    ]
    rows = await _rows(merchant_id, span, stages)
    return [msgspec.convert(row | {"resource": row["_id"]}, TrackedResource) for row in rows]


async def count_payers(merchant_id: str, span: Span) -> int:
    """Count who is named by the events of a time."""
    stages: list[Row] = [
        {"$match": {"payer": {"$type": "string"}}},
        {"$group": {"_id": "$payer"}},
        {"$count": "n"},
    ]
    rows = await _rows(merchant_id, span, stages)
    return int(rows[0]["n"]) if rows else 0


async def _rows(merchant_id: str, span: Span, stages: Sequence[Row]) -> list[Row]:
    match: Row = {"merchantId": merchant_id, "at": {"$gte": span[0], "$lt": span[1]}}
    found = await TrackedEvent.get_pymongo_collection().aggregate(
        [{"$match": match}, *stages], hint="merchant_at", maxTimeMS=_LONGEST_MS
    )
    return await found.to_list()
