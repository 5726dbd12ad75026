"""Named queries for what is sent again: events that were sent, and messages of the outbox."""

from collections.abc import Collection, Sequence
from datetime import datetime

from service.core.clock import Clock
from service.notifications.endpoints.documents import WebhookDelivery
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import KEEP_FOR
from service.storage.database import Row
from service.storage.transaction import Transaction

COPIED = ("merchantId", "eventId", "type", "sessionId", "body", "place")
"""What a delivery of an event to another endpoint has in common with this one."""


async def insert(row: Row, tx: Transaction) -> None:
    """Store a delivery. Raises `Duplicate`."""
    await tx.insert(WebhookDelivery.get_pymongo_collection(), row)


async def find_event(event_id: str, merchant_id: str) -> Row | None:
    """Return any delivery of an event of a merchant's."""
    between = {"$gt": f"{event_id}:", "$lt": f"{event_id};"}
    rows = WebhookDelivery.get_pymongo_collection()
    return await rows.find_one({"_id": between, "merchantId": merchant_id})


async def written_since(
    merchant_id: str, topics: Collection[str], since: datetime, limit: int
) -> tuple[Sequence[OutboxMessage], datetime | None]:
    """Return a merchant's messages since a time, oldest first, and from when there are more.

    Found by the time of their deletion, which has an index and stands as far from that of writing.
    Messages of one moment are never torn apart: as many as there are of the last one come along.
    """
    rows = OutboxMessage.get_pymongo_collection()
    wanted = {"merchantId": merchant_id, "topic": {"$in": sorted(topics)}}
    after: Row = {"purgeAt": {"$gte": since + KEEP_FOR}}
    found = await rows.find(wanted | after).sort("purgeAt", 1).limit(limit + 1).to_list()
    if len(found) <= limit:
        return [OutboxMessage.model_validate(row) for row in found], None
    last = found[limit]["purgeAt"]
    earlier = [row for row in found if row["purgeAt"] < last]
    if not earlier:
        earlier = await rows.find(wanted | {"purgeAt": last}).to_list()
        following = (
            await rows.find(wanted | {"purgeAt": {"$gt": last}}).sort("purgeAt", 1).to_list(1)
        )
        more = following[0]["createdAt"] if following else None
        return [OutboxMessage.model_validate(row) for row in earlier], more
    return [OutboxMessage.model_validate(row) for row in earlier], last - KEEP_FOR


async def again(ids: Sequence[str], purge_at: datetime, clock: Clock, tx: Transaction) -> int:
    """Have deliveries that came to nothing sent once more; return how many."""
    fields: Row = {
        "status": "pending",
        "tries": 0,
        "claim": None,
        "doneAt": None,
        "nextAttemptAt": clock.in_database(),
        "purgeAt": purge_at,
    }
    done = await WebhookDelivery.get_pymongo_collection().update_many(
        {"_id": {"$in": list(ids)}, "status": {"$in": ["failed", "canceled"]}},
        [{"$set": fields}],
        session=tx.session,
    )
    return done.modified_count


async def count_waiting(ids: Sequence[str]) -> int:
    """Count which of some deliveries wait."""
    wanted = {"_id": {"$in": list(ids)}, "status": "pending"}
    return await WebhookDelivery.get_pymongo_collection().count_documents(wanted)
