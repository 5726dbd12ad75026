"""Named queries of the purge: events that were kept long enough, and what is still needed."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from service.inbox.documents import WebhookEvent
from service.inbox.repository.events import NEEDED
from service.storage.database import Row
from service.storage.keys import Keys, Size, walk_keys
from service.storage.transaction import Transaction


def walk_purgeable(now: datetime, size: Size) -> AsyncGenerator[Keys, None]:
    """Return the keys of events whose time of keeping is over, in lists of `size`."""
    return walk_keys(WebhookEvent.get_pymongo_collection(), _over(now), by="purgeAt", size=size)


async def find_purgeable(now: datetime, keys: Keys) -> list[Row]:
    """Find `_id`, `merchantId`, `sessionId` and `purgeAt` of events whose time is over."""
    wanted = {"_id": {"$in": keys}, **_over(now)}
    cursor = WebhookEvent.get_pymongo_collection().find(
        wanted, {"merchantId": 1, "sessionId": 1, "purgeAt": 1}, hint="_id_"
    )
    return await cursor.to_list()


async def count_purgeable(before: datetime, limit: int) -> int:
    """Count the events that should have been deleted before a time, up to a limit."""
    return await WebhookEvent.get_pymongo_collection().count_documents(_over(before), limit=limit)


async def mark_deletable(now: datetime, keys: Keys, tx: Transaction) -> None:
    """Mark events whose time of keeping is over."""
    await WebhookEvent.get_pymongo_collection().update_many(
        {"_id": {"$in": keys}, **_over(now)},
        {"$set": {"deletableAt": now}},
        hint="_id_",
        session=tx.session,
    )


async def delete_marked(now: datetime, keys: Keys, tx: Transaction) -> int:
    """Delete those that were marked at a time and stay so; return how many."""
    deleted = await WebhookEvent.get_pymongo_collection().delete_many(
        {"_id": {"$in": keys}, "deletableAt": now, **_over(now)}, hint="_id_", session=tx.session
    )
    return deleted.deleted_count


def _over(now: datetime) -> Row:
    return {"purgeAt": {"$lte": now, "$type": "date"}, "$nor": NEEDED}


async def sessions_waited_for(session_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return (merchant, session) of those of which an event waits, for a retry or for a person."""
    wanted = {"sessionId": {"$in": list(session_ids)}, "$or": NEEDED}
    cursor = WebhookEvent.get_pymongo_collection().find(wanted, {"merchantId": 1, "sessionId": 1})
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}
