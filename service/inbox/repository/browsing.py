"""Named queries of those who look at the inbox: its pages, a session's events, what stands open."""

from datetime import datetime

from msgspec import Struct

from service.core.paging import Cursor
from service.inbox.documents import WebhookEvent
from service.inbox.repository.events import NEEDED
from service.inbox.states import InboxStatus
from service.storage.database import Row
from service.storage.paging import newest_first


async def page(
    merchant_id: str, filters: Row, *, cursor: Cursor | None, limit: int
) -> tuple[list[WebhookEvent], Cursor | None]:
    """Return a page of a merchant's events, newest first, without their payloads."""
    found, following = await newest_first(
        WebhookEvent.get_pymongo_collection(),
        {"merchantId": merchant_id, **filters},
        by="receivedAt",
        cursor=cursor,
        limit=limit,
    )
    return [WebhookEvent.model_validate(row) for row in found], following


async def of_session(merchant_id: str, session_id: str) -> list[WebhookEvent]:
    """Return all events of one session, oldest first."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    cursor = WebhookEvent.get_pymongo_collection().find(wanted).sort("receivedAt", 1)
    return [WebhookEvent.model_validate(row) for row in await cursor.to_list(1000)]


class OpenEvents(Struct, frozen=True):
    """Events of a provider that stand open, since when the oldest does, and which it is."""

    provider: str
    status: str
    count: int
    since: datetime
    oldest: str


async def count_open() -> list[OpenEvents]:
    """Count the events that wait, were given up, or need a decision, by provider and status."""
    open_: Row = {"$or": [{"status": InboxStatus.DEAD.value}, *NEEDED]}
    key = {"provider": "$provider", "status": "$status"}
    first = {"$min": {"since": "$receivedAt", "oldest": "$_id"}}
    found = await WebhookEvent.get_pymongo_collection().aggregate(
        [{"$match": open_}, {"$group": {"_id": key, "count": {"$sum": 1}, "first": first}}]
    )
    return [OpenEvents(**row.pop("_id"), **row.pop("first"), **row) async for row in found]


class OpenOfMerchant(Struct, frozen=True):
    """Events of a merchant and provider that stand open, and since when the oldest does."""

    merchant_id: str
    provider: str
    count: int
    since: datetime


async def count_by_merchant(status: InboxStatus, until: datetime) -> list[OpenOfMerchant]:
    """Count the undecided events in a state that came until a time, by merchant and provider."""
    wanted: Row = {"status": status.value, "decision": None, "receivedAt": {"$lte": until}}
    key = {"merchant_id": "$merchantId", "provider": "$provider"}
    counted: Row = {"_id": key, "count": {"$sum": 1}, "since": {"$min": "$receivedAt"}}
    found = await WebhookEvent.get_pymongo_collection().aggregate(
        [{"$match": wanted}, {"$group": counted}]
    )
    return [OpenOfMerchant(**row.pop("_id"), **row) async for row in found]
