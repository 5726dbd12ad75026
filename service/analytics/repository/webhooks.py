"""Named queries on webhooks that came in, and on those that went out."""

from typing import Final

import msgspec
from msgspec import Struct

from service.analytics.repository.facts import Span
from service.inbox.documents import WebhookEvent
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.storage.database import Row

_LONGEST_MS: Final = 10_000


class Came(Struct, frozen=True, rename="camel"):
    """The events of one provider, type and status; `took_ms` until they were done, of `took`."""

    provider: str
    type: str
    status: str
    n: int
    took: int
    took_ms: int


class Went(Struct, frozen=True, rename="camel"):
    """The deliveries of one type and status; `took_ms` until they arrived, of `took`."""

    type: str
    status: str
    n: int
    tries: int
    took: int
    took_ms: int


async def came_in(merchant_id: str, span: Span) -> list[Came]:
    """Add up the verified events that came in in a time."""
    stages: list[Row] = [
        {"$match": {"merchantId": merchant_id, "receivedAt": {"$gte": span[0], "$lt": span[1]}}},
        {
            "$group": {
                "_id": {"provider": "$provider", "type": "$type", "status": "$status"},
                "n": {"$sum": 1},
                **_took("$receivedAt", "$processedAt"),
            }
        },
    ]
    found = await WebhookEvent.get_pymongo_collection().aggregate(
        stages, hint="merchant_receivedAt", maxTimeMS=_LONGEST_MS
    )
    return [msgspec.convert(row | row["_id"], Came) for row in await found.to_list()]


async def went_out(merchant_id: str, span: Span) -> list[Went]:
    """Add up the deliveries to a merchant's endpoints that were made in a time."""
    endpoints = await WebhookEndpoint.get_pymongo_collection().distinct(
        "_id", {"merchantId": merchant_id}
    )
    wanted: Row = {
        "endpointId": {"$in": [str(one) for one in endpoints]},
        "createdAt": {"$gte": span[0], "$lt": span[1]},
    }
    stages: list[Row] = [
        {"$match": wanted},
        {
            "$group": {
                "_id": {"type": "$type", "status": "$status"},
                "n": {"$sum": 1},
                "tries": {"$sum": {"$size": "$attempts"}},
                **_took("$createdAt", "$doneAt"),
            }
        },
    ]
    found = await WebhookDelivery.get_pymongo_collection().aggregate(
        stages, hint="endpoint_createdAt", maxTimeMS=_LONGEST_MS
    )
    return [msgspec.convert(row | row["_id"], Went) for row in await found.to_list()]


def _took(began: str, ended: str) -> Row:
    is_done = {"$eq": [{"$type": ended}, "date"]}
    span = {"$subtract": [ended, began]}
    return {
        "took": {"$sum": {"$cond": [is_done, 1, 0]}},
        "tookMs": {"$sum": {"$cond": [is_done, span, 0]}},
    }
