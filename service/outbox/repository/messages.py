"""Named queries on messages that are written, dispatched, or done by another way."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime

import structlog
from msgspec import Struct
from pydantic import ValidationError
from pymongo.errors import BulkWriteError

from service.core.clock import Clock
from service.core.news import WRITTEN
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.repository.births import births
from service.storage.answering import Duplicate, error_of
from service.storage.database import DatabaseTime, Row
from service.storage.transaction import Transaction

log = structlog.get_logger(__name__)

_OPEN = ("pending", "dispatched")


async def add_once(messages: Sequence[Row], tx: Transaction) -> None:
    """Add messages that are not there yet."""
    WRITTEN.notify([row["topic"] for row in messages])
    await tx.insert_missing(OutboxMessage.get_pymongo_collection(), messages)


async def add_new(messages: Sequence[Row], tx: Transaction) -> None:
    """Add messages that are hardly ever there yet. Raises `Duplicate`: `add_once` takes those."""
    WRITTEN.notify([row["topic"] for row in messages])
    await tx.insert_new(OutboxMessage.get_pymongo_collection(), messages)


class Undispatched(Struct, frozen=True):
    """Messages that nobody has dispatched, and the database's time at which they were found."""

    messages: Sequence[OutboxMessage]
    now: datetime


def pending(after: DatabaseTime | None) -> Row:
    """Return the query for messages that are not dispatched, written after some time."""
    later: Row = {} if after is None else {"writtenAt": {"$gt": after}}
    return {"status": "pending"} | later


async def undispatched(limit: int, clock: Clock, after: DatabaseTime | None) -> Undispatched | None:
    """Return messages that are not dispatched, the oldest first; None where there are none."""
    found = await OutboxMessage.get_pymongo_collection().aggregate(
        [
            {"$match": pending(after)},
            {"$sort": {"writtenAt": 1}},
            {"$limit": limit},
            {"$set": {"now": {"$add": [clock.in_database(), 0]}}},
        ]
    )
    rows = await found.to_list()
    if not rows:
        return None
    return Undispatched(list(_readable(rows)), rows[0]["now"])


def _readable(rows: Iterable[Row]) -> Iterator[OutboxMessage]:
    """Go through messages; one that can't be read waits, counted and logged, and stops no other."""
    for row in rows:
        try:
            yield OutboxMessage.model_validate(row)
        except ValidationError:
            log.exception("message can not be read", message=row["_id"])


async def insert_deliveries(rows: Sequence[Row]) -> None:
    """Insert deliveries, each for itself; those that are there already stay as they are."""
    if not rows:
        return
    try:
        await Delivery.get_pymongo_collection().insert_many(rows, ordered=False)
    except BulkWriteError as error:
        others = [one for one in error.details["writeErrors"] if not _is_there(one)]
        if others or error.details["writeConcernErrors"]:
            raise


def _is_there(failed: Row) -> bool:
    return isinstance(error_of(failed), Duplicate)


async def mark_dispatched(messages: Sequence[OutboxMessage]) -> None:
    """Keep that the deliveries of some messages are there, unless these are done by now."""
    wanted = {"_id": {"$in": [one.id for one in messages]}, "status": "pending"}
    change = {"$set": {"status": "dispatched"}}
    await OutboxMessage.get_pymongo_collection().update_many(wanted, change)


async def by_ids(ids: Sequence[str]) -> dict[str, Row]:
    """Return messages as they are stored, by their ids: one that can't be read stops no other."""
    found = OutboxMessage.get_pymongo_collection().find({"_id": {"$in": list(ids)}})
    return {row["_id"]: row for row in await found.to_list()}


async def count_undispatched(topics: Collection[str]) -> int:
    """Count the messages of some topics that are not dispatched."""
    wanted = {"status": "pending", "topic": {"$in": sorted(topics)}}
    return await OutboxMessage.get_pymongo_collection().count_documents(wanted)


class About(Struct, frozen=True):
    """Messages of one session and topic whose payload names one of some things."""

    topic: str
    merchant_id: str
    session_id: str
    named: tuple[str, Sequence[str]] | None = None

    def wanted(self) -> Row:
        """Return the query for those that nothing else has done."""
        wanted: Row = {
            "sessionId": self.session_id,
            "merchantId": self.merchant_id,
            "topic": self.topic,
            "status": {"$in": list(_OPEN)},
        }
        if self.named is not None:
            field, values = self.named
            wanted[f"payload.{field}"] = {"$in": list(values)}
        return wanted


async def waiting(about: About) -> list[OutboxMessage]:
    """Return the messages that wait to be dispatched, or for one of their deliveries."""
    found = await OutboxMessage.get_pymongo_collection().find(about.wanted()).to_list()
    messages = [OutboxMessage.model_validate(row) for row in found]
    open_ = await _open_deliveries([row for row in found if row["status"] == "dispatched"])
    waits = {row["messageId"] for row in open_}
    return [one for one in messages if one.status == "pending" or one.id in waits]


async def note_delivered(about: About, now: datetime) -> None:
    """Keep that what some messages are to bring about was done by another way.

    The messages first: a delivery that the dispatcher makes afterwards finds its message done.
    """
    messages = OutboxMessage.get_pymongo_collection()
    found = await messages.find(about.wanted(), {"topic": 1}).to_list()
    if not found:
        return
    ids = [row["_id"] for row in found]
    await messages.update_many({"_id": {"$in": ids}}, {"$set": {"status": "done", "doneAt": now}})
    change = {"$set": {"status": "done", "doneAt": now, "error": None, "claim": None}}
    await Delivery.get_pymongo_collection().update_many(await _of_open(found), change)


async def hurry(about: About, clock: Clock) -> None:
    """Let messages that are held back be delivered at once."""
    messages = OutboxMessage.get_pymongo_collection()
    found = await messages.find(about.wanted(), {"topic": 1}).to_list()
    if not found:
        return
    held = {"_id": {"$in": [row["_id"] for row in found]}, "status": "pending"}
    await messages.update_many(held, {"$set": {"heldUntil": None}})
    await Delivery.get_pymongo_collection().update_many(
        await _of_open(found) | {"attempts": 0},
        [{"$set": {"nextAttemptAt": clock.in_database()}}],
    )
    WRITTEN.notify([about.topic])


async def sessions_with_pending(session_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return (merchant, session) of those of which something is yet to be delivered."""
    fields = {"merchantId": 1, "sessionId": 1, "topic": 1, "status": 1}
    found = OutboxMessage.get_pymongo_collection().find(
        {"sessionId": {"$in": list(session_ids)}, "status": {"$in": list(_OPEN)}},
        fields,
        hint="sessionId",
    )
    rows = await found.to_list()
    open_ = await _open_deliveries([row for row in rows if row["status"] == "dispatched"])
    waiting = [*open_, *(row for row in rows if row["status"] == "pending")]
    return {(row["merchantId"], row["sessionId"]) for row in waiting}


async def of_session(
    merchant_id: str, session_id: str
) -> tuple[list[OutboxMessage], list[Delivery]]:
    """Return all messages of one session, oldest first, and their deliveries."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    cursor = OutboxMessage.get_pymongo_collection().find(wanted).sort("createdAt", 1).limit(1000)
    rows = await cursor.to_list()
    found = (
        Delivery.get_pymongo_collection().find({"_id": {"$in": await _ids(rows)}}).sort("_id", 1)
    )
    deliveries = [Delivery.model_validate(row) for row in await found.to_list()]
    return [OutboxMessage.model_validate(row) for row in rows], deliveries


async def _open_deliveries(messages: Sequence[Row]) -> list[Row]:
    if not messages:
        return []
    fields = {"messageId": 1, "merchantId": 1, "sessionId": 1}
    found = Delivery.get_pymongo_collection().find(await _of_open(messages), fields)
    return await found.to_list()


async def _of_open(messages: Sequence[Row]) -> Row:
    return {"_id": {"$in": await _ids(messages)}, "status": "pending"}


async def _ids(messages: Sequence[Row]) -> list[str]:
    """Return the ids of all deliveries that there may be of some messages.

    By who is born: an index on their sessions would cost more than all that asks for it.
    """
    if not messages:
        return []
    names: dict[str, list[str]] = {}
    for birth in await births():
        names.setdefault(birth.topic, []).append(birth.subscriber)
    return [f"{row['_id']}:{name}" for row in messages for name in names.get(row["topic"], ())]
