"""Counts of what waits and of what was given up."""

from msgspec import Struct

from service.core.clock import Clock
from service.outbox.documents import Delivery, OutboxMessage
from service.storage.database import Collection, Row


class Depth(Struct, frozen=True):
    """How many rows of a name wait, for how many seconds the oldest has, and which it is.

    The age is by the database's clock.
    """

    name: str
    count: int
    oldest_s: float
    oldest: str


async def undispatched_depth(clock: Clock) -> list[Depth]:
    """Count the messages that are not dispatched, by topic; their ages by who wrote them."""
    return await _depths(OutboxMessage.get_pymongo_collection(), "$topic", clock)


async def lane_depths(clock: Clock) -> list[Depth]:
    """Count the deliveries that wait, by lane."""
    return await _depths(Delivery.get_pymongo_collection(), "$lane", clock)


async def _depths(collection: Collection, name: str, clock: Clock) -> list[Depth]:
    first = {"$min": {"since": "$createdAt", "id": "$_id"}}
    counted: Row = {"_id": name, "count": {"$sum": 1}, "first": first}
    age = {"$divide": [{"$subtract": [clock.in_database(), "$first.since"]}, 1000]}
    found = await collection.aggregate(
        [
            {"$match": {"status": "pending"}},
            {"$group": counted},
            {"$project": {"count": 1, "age": age, "oldest": "$first.id"}},
        ]
    )
    rows = await found.to_list()
    return [Depth(row["_id"], row["count"], row["age"], row["oldest"]) for row in rows]


async def count_dead() -> dict[str, int]:
    """Count the deliveries that were given up, by subscriber."""
    found = await Delivery.get_pymongo_collection().aggregate(
        [{"$match": {"status": "dead"}}, {"$group": {"_id": "$subscriber", "n": {"$sum": 1}}}]
    )
    return {row["_id"]: row["n"] for row in await found.to_list()}


class DeadOf(Struct, frozen=True):
    """Deliveries of a merchant to a subscriber that were given up."""

    merchant_id: str
    subscriber: str
    count: int


async def count_dead_by_merchant() -> list[DeadOf]:
    """Count the deliveries that were given up, by merchant and subscriber."""
    key = {"merchant_id": "$merchantId", "subscriber": "$subscriber"}
    found = await Delivery.get_pymongo_collection().aggregate(
        [{"$match": {"status": "dead"}}, {"$group": {"_id": key, "count": {"$sum": 1}}}]
    )
    return [DeadOf(**row.pop("_id"), **row) async for row in found]
