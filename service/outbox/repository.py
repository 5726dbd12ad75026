"""Named queries on the outbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from pymongo import ReturnDocument

from service.core.clock import Clock
from service.core.lanes import EVERYTHING, Lane, lane_of, wanted_by
from service.core.news import WRITTEN
from service.leases.expressions import ends, free
from service.outbox.documents import OutboxMessage
from service.storage.database import Row
from service.storage.transaction import Transaction


async def add_once(messages: Sequence[Row], tx: Transaction) -> None:
    """Add messages that are not there yet."""
    WRITTEN.notify([row["topic"] for row in messages])
    await tx.insert_missing(OutboxMessage.get_pymongo_collection(), messages)


async def add_new(messages: Sequence[Row], tx: Transaction) -> None:
    """Add messages that are hardly ever there yet. Raises `Duplicate`; then `add_once` is due."""
    WRITTEN.notify([row["topic"] for row in messages])
    await tx.insert_new(OutboxMessage.get_pymongo_collection(), messages)


async def find_due_lane(topics: Sequence[str], clock: Clock, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a message is due, if there is one."""
    due = _due(topics, clock) | wanted_by(lanes, "payload.provider")
    row = await OutboxMessage.get_pymongo_collection().find_one(due, {"payload.provider": 1})
    return lane_of(row.get("payload", {}).get("provider"), lanes) if row else None


async def claim_due(
    topics: Sequence[str], clock: Clock, lease: timedelta, lane: Lane = EVERYTHING
) -> OutboxMessage | None:
    """Take the message of a lane that is due longest, and hide it from others for the lease.

    Its `attempts` rise with each holder: what an earlier one has to tell finds nothing to change.
    """
    due = _due(topics, clock) | lane.wanted("payload.provider")
    claim: list[Row] = [
        {"$set": {"leasedUntil": ends(lease, clock), "attempts": {"$add": ["$attempts", 1]}}}
    ]
    row = await OutboxMessage.get_pymongo_collection().find_one_and_update(
        due, claim, sort=[("nextAttemptAt", 1)], return_document=ReturnDocument.AFTER
    )
    return OutboxMessage.model_validate(row) if row else None


async def mark_done(message: OutboxMessage, now: datetime) -> None:
    """Keep that a message was delivered, unless another holder of a later lease is at it."""
    change = {"$set": {"status": "done", "doneAt": now, "error": None, "leasedUntil": None}}
    await OutboxMessage.get_pymongo_collection().update_one(_claimed(message), change)


async def mark_failed(message: OutboxMessage, error: str, next_attempt_at: datetime | None) -> None:
    """Keep why a delivery failed, and when the next one is due; None: it is dead."""
    change: Row = {"error": error, "leasedUntil": None}
    if next_attempt_at is None:
        change["status"] = "dead"
    else:
        change["nextAttemptAt"] = next_attempt_at
    await OutboxMessage.get_pymongo_collection().update_one(_claimed(message), {"$set": change})


class About(Struct, frozen=True):
    """Messages of one session and topic whose payload names one of some things."""

    topic: str
    merchant_id: str
    session_id: str
    named: tuple[str, Sequence[str]]

    def waiting(self) -> Row:
        """Return the query for those that wait."""
        field, values = self.named
        return {
            "sessionId": self.session_id,
            "merchantId": self.merchant_id,
            "topic": self.topic,
            "status": "pending",
            f"payload.{field}": {"$in": list(values)},
        }


async def waiting(topic: str, merchant_id: str, session_id: str) -> list[OutboxMessage]:
    """Return the messages of one session and topic that wait to be delivered."""
    about = {"sessionId": session_id, "merchantId": merchant_id, "topic": topic}
    cursor = OutboxMessage.get_pymongo_collection().find(about | {"status": "pending"})
    return [OutboxMessage.model_validate(row) for row in await cursor.to_list()]


async def note_delivered(about: About, now: datetime) -> None:
    """Keep that what some messages are to bring about was done by another way."""
    change = {"$set": {"status": "done", "doneAt": now, "error": None}}
    await OutboxMessage.get_pymongo_collection().update_many(about.waiting(), change)


async def hurry(about: About, now: datetime) -> None:
    """Let messages that were held back be delivered at once."""
    held = about.waiting() | {"attempts": 0}
    change = {"$set": {"nextAttemptAt": now}}
    await OutboxMessage.get_pymongo_collection().update_many(held, change)
    WRITTEN.notify([about.topic])


async def count_due(topics: Sequence[str], clock: Clock) -> int:
    """Count the messages that a delivery would take now."""
    return await OutboxMessage.get_pymongo_collection().count_documents(_due(topics, clock))


def _due(topics: Sequence[str], clock: Clock) -> Row:
    return {
        "status": "pending",
        "topic": {"$in": list(topics)},
        "nextAttemptAt": {"$lte": clock.now()},
        "$expr": free("leasedUntil", clock),
    }


async def sessions_with_pending(
    topics: Sequence[str], session_ids: Sequence[str]
) -> set[tuple[str, str]]:
    """Return (merchant, session) of those that have a message which is yet to be delivered."""
    wanted: Row = {
        "sessionId": {"$in": list(session_ids)},
        "status": "pending",
        "topic": {"$in": list(topics)},
    }
    cursor = OutboxMessage.get_pymongo_collection().find(
        wanted, {"merchantId": 1, "sessionId": 1}, hint="sessionId"
    )
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}


async def of_session(merchant_id: str, session_id: str) -> list[OutboxMessage]:
    """Return all messages of one session, oldest first."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    cursor = OutboxMessage.get_pymongo_collection().find(wanted).sort("createdAt", 1).limit(1000)
    return [OutboxMessage.model_validate(row) async for row in cursor]


class OpenMessages(Struct, frozen=True):
    """Messages of a topic that were not delivered, and since when the oldest waits."""

    topic: str
    status: str
    count: int
    since: datetime


async def count_open() -> list[OpenMessages]:
    """Count the messages that wait or were given up, by topic and status."""
    key = {"topic": "$topic", "status": "$status"}
    group = {"_id": key, "count": {"$sum": 1}, "since": {"$min": "$createdAt"}}
    found = await OutboxMessage.get_pymongo_collection().aggregate(
        [{"$match": {"status": {"$in": ["pending", "dead"]}}}, {"$group": group}]
    )
    return [OpenMessages(**row.pop("_id"), **row) async for row in found]


def _claimed(message: OutboxMessage) -> Row:
    return {"_id": message.id, "status": "pending", "attempts": message.attempts}
