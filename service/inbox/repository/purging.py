"""Named queries of the purge: events that were kept long enough, and what is still needed."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from service.inbox.documents import WebhookEvent
from service.inbox.repository.events import NEEDED
from service.storage.database import Row
from service.storage.keys import Keys, walk_keys


def walk_purgeable(now: datetime, size: int) -> AsyncGenerator[Keys, None]:
    """Return the keys of events whose time of keeping is over, in lists of `size`."""
    return walk_keys(WebhookEvent.get_pymongo_collection(), _over(now), by="purgeAt", size=size)


async def find_purgeable(now: datetime, keys: Keys) -> list[Row]:
    """Find `_id`, `merchantId` and `sessionId` of events whose time of keeping is over."""
    wanted = {"_id": {"$in": keys}, **_over(now)}
    cursor = WebhookEvent.get_pymongo_collection().find(
        wanted, {"merchantId": 1, "sessionId": 1}, hint="_id_"
    )
    return await cursor.to_list()


async def purge(now: datetime, keys: Keys) -> int:
    """Mark events whose time of keeping is over, and delete those that stay marked."""
    events = WebhookEvent.get_pymongo_collection()
    among = {"_id": {"$in": keys}}
    await events.update_many({**among, **_over(now)}, {"$set": {"deletableAt": now}}, hint="_id_")
    deleted = await events.delete_many({**among, "deletableAt": now, **_over(now)}, hint="_id_")
    return deleted.deleted_count


def _over(now: datetime) -> Row:
    return {"purgeAt": {"$lte": now, "$type": "date"}, "$nor": NEEDED}


async def sessions_waited_for(session_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return (merchant, session) of those of which an event waits, for a retry or for a person."""
    wanted = {"sessionId": {"$in": list(session_ids)}, "$or": NEEDED}
    cursor = WebhookEvent.get_pymongo_collection().find(wanted, {"merchantId": 1, "sessionId": 1})
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}
