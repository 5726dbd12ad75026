"""How many deliveries wait, and how many endpoints are disabled: for /metrics."""

from collections.abc import Mapping, Sequence
from typing import get_args

from msgspec import Struct

from service.core.clock import Clock
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.states import DisabledBecause
from service.storage.database import Row

MOST_COUNTED = 100_000
"""Of what waits the most that is looked at: those that are due first."""


class Waiting(Struct, frozen=True):
    """How many deliveries wait that were never tried, or were, and the age of the oldest."""

    tried: bool
    count: int
    oldest_s: float


async def waiting(clock: Clock) -> Sequence[Waiting]:
    """Count what waits for all endpoints; ages are by the database's clock."""
    counted: Row = {
        "_id": {"$gt": ["$tries", 0]},
        "count": {"$sum": 1},
        "since": {"$min": "$createdAt"},
    }
    age = {"$divide": [{"$subtract": [clock.in_database(), "$since"]}, 1000]}
    found = await WebhookDelivery.get_pymongo_collection().aggregate(
        [
            {"$match": {"status": "pending"}},
            {"$sort": {"nextAttemptAt": 1}},
            {"$limit": MOST_COUNTED},
            {"$group": counted},
            {"$project": {"count": 1, "age": age}},
        ],
    )
    return [Waiting(row["_id"], row["count"], row["age"]) for row in await found.to_list()]


async def count_disabled() -> Mapping[str, int]:
    """Count the endpoints that are disabled, by the reason."""
    reasons = get_args(DisabledBecause)
    found = await WebhookEndpoint.get_pymongo_collection().aggregate(
        [
            {"$match": {"disabled.reason": {"$in": [*reasons]}, "removed": False}},
            {"$group": {"_id": "$disabled.reason", "count": {"$sum": 1}}},
        ]
    )
    counts = {row["_id"]: row["count"] for row in await found.to_list()}
    return dict.fromkeys(reasons, 0) | counts
