"""Named queries for what is sent again: events that were sent, and messages of the outbox."""

from collections.abc import Collection, Sequence
from datetime import datetime

from pymongo.asynchronous.collection import AsyncCollection

from service.core.clock import Clock
from service.core.paging import Cursor
from service.notifications.endpoints.documents import WebhookDelivery
from service.notifications.events.operations import event_id
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import KEEP_FOR
from service.storage.database import DatabaseTime, Row, time_of
from service.storage.paging import EXAMINED
from service.storage.transaction import Transaction

COPIED = ("merchantId", "eventId", "type", "sessionId", "place")
"""What a delivery of an event to another endpoint has in common with this one."""


async def database_now(clock: Clock) -> datetime:
    """Return the present moment by the database's clock, from which on what is sent is due."""
    return await time_of(WebhookDelivery.get_pymongo_collection().database, clock)


async def insert(row: Row, tx: Transaction) -> None:
    """Store a delivery. Raises `Duplicate`."""
    await tx.insert(WebhookDelivery.get_pymongo_collection(), row)


async def insert_missing(rows: Sequence[Row], tx: Transaction) -> None:
    """Store the deliveries that are not there yet."""
    await tx.insert_missing(WebhookDelivery.get_pymongo_collection(), rows)


async def find_event(wanted: str, endpoint_id: str, merchant_id: str) -> Row | None:
    """Return a delivery of an event of a merchant's: an endpoint's own, else any."""
    rows = WebhookDelivery.get_pymongo_collection()
    own = {"_id": f"{wanted}:{endpoint_id}", "merchantId": merchant_id}
    if (found := await rows.find_one(own)) is not None:
        return found
    between = {"$gt": f"{wanted}:", "$lt": f"{wanted};"}
    return await rows.find_one({"_id": between, "merchantId": merchant_id})


async def message_of(sent: Row) -> OutboxMessage | None:
    """Return the message of an event that was sent; None for a test's, and where it is gone."""
    time, _, inc = str(sent["place"]).partition(".")
    wanted = {
        "sessionId": sent["sessionId"],
        "merchantId": sent["merchantId"],
        "topic": sent["type"],
        "writtenAt": DatabaseTime(int(time), int(inc)),
    }
    rows = await OutboxMessage.get_pymongo_collection().find(wanted).to_list()
    found = (OutboxMessage.model_validate(row) for row in rows)
    return next((one for one in found if event_id(one.id) == sent["eventId"]), None)


async def written_since(
    merchant_id: str,
    topics: Collection[str],
    since: datetime,
    *,
    cursor: Cursor | None,
    limit: int,
) -> tuple[Sequence[OutboxMessage], Cursor | None]:
    """Return a merchant's messages since a time, oldest first, and where there are more.

    Found by the time of their deletion, which has an index and stands as far from that of writing.
    Those of all merchants stand there, so a bounded number is looked at: there may be none among
    them, and more behind. Messages of one moment are never torn apart: as many as there are of the
    last one come along.

    One that was delivered again is kept for longer, and so found at a later place than it was
    written: it belongs to the walk if it was written since that began, wherever that is by now.
    """
    rows = OutboxMessage.get_pymongo_collection()
    begins = since + KEEP_FOR if cursor is None else cursor.at
    edge = await _moment_at(rows, {"$gte": begins}, EXAMINED)
    if edge == begins:
        edge = await _moment_at(rows, {"$gt": begins}, 0)
    within: Row = {"$gte": begins} if edge is None else {"$gte": begins, "$lt": edge}
    wanted = {
        "merchantId": merchant_id,
        "topic": {"$in": sorted(topics)},
        "createdAt": {"$gte": since},
    }
    found = await rows.find(wanted | {"purgeAt": within}).sort("purgeAt", 1).to_list(limit + 1)
    if len(found) > limit:
        edge = found[limit]["purgeAt"]
        earlier = [row for row in found if row["purgeAt"] < edge]
        if not earlier:  # all of them of one moment
            earlier = await rows.find(wanted | {"purgeAt": edge}).to_list()
            edge = await _moment_at(rows, {"$gt": edge}, 0)
        found = earlier
    following = None if edge is None else Cursor(edge, merchant_id)
    return [OutboxMessage.model_validate(row) for row in found], following


async def _moment_at(rows: AsyncCollection[Row], within: Row, skipped: int) -> datetime | None:
    """Return the moment behind so many messages, of whomever: the index alone is read."""
    found = rows.find({"purgeAt": within}, {"_id": 0, "purgeAt": 1}).sort("purgeAt", 1)
    last = await found.skip(skipped).limit(1).to_list()
    return last[0]["purgeAt"] if last else None


async def again(ids: Sequence[str], purge_at: datetime, clock: Clock, tx: Transaction) -> int:
    """Have deliveries that came to nothing sent once more; return how many."""
    fields: Row = {
        "status": "pending",
        "tries": 0,
        "claim": None,
        "doneAt": None,
        "nextAttemptAt": clock.in_database(),
        "purgeAt": purge_at,
        "recount": True,
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
