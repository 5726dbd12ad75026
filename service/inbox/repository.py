"""Named queries on the inbox."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Struct
from pymongo import ReturnDocument

from service.core.lanes import Lane, lane_of, wanted_by
from service.core.news import EVENTS, WRITTEN
from service.core.paging import Cursor
from service.inbox.documents import WebhookEvent, WebhookRejection
from service.inbox.states import WAITING, InboxStatus
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.group_commit.queue import Limits
from service.storage.group_commit.transactions import GroupTransaction, Work
from service.storage.keys import Keys, walk_keys
from service.storage.paging import newest_first
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import LookUp, Question, Transaction

R = TypeVar("R")

# Somebody or something has still to act on one of these.
_NEEDED: list[Row] = [
    {"status": {"$in": sorted(WAITING)}},
    {"status": InboxStatus.REVIEW.value, "decision": None},
]

# Three lanes: while one group waits for the database, others are read and written.
COMMITS = GroupTransaction(Limits(items=32, lanes=3))


async def commit(work: Work[R], size: int) -> R:
    """Run a work in a transaction that it may share; `size` is about the bytes that it writes.

    The work may happen several times. Raises what it raises, and `Unavailable`.
    """
    return await COMMITS.run(work, size)


def by_id(inbox_id: str) -> Question:
    """Ask for the row of an event."""
    return Question(WebhookEvent.get_pymongo_collection(), (LookUp("_id", (inbox_id,)),))


async def refuse_known(inbox_id: str, tx: Transaction) -> None:
    """Raise `Duplicate` for an event that has a row, before anything is done for it.

    The insert of the row decides; this only spares what would be aborted by it.
    """
    if await tx.look_up(by_id(inbox_id)):
        raise Duplicate(f"{inbox_id} is known")


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of an event. Raises `Duplicate` if it is known."""
    if row["nextAttemptAt"] is not None:
        WRITTEN.notify([EVENTS])
    await tx.insert(WebhookEvent.get_pymongo_collection(), row)


async def find(
    inbox_id: str, merchant_id: str | None = None, tx: Transaction = NO_TRANSACTION
) -> WebhookEvent | None:
    """Find an event by its id; a majority read, so what it finds is durable."""
    wanted: Row = {"_id": {"$eq": inbox_id}}
    wanted |= {"merchantId": merchant_id} if merchant_id is not None else {}
    row = await WebhookEvent.get_pymongo_collection().find_one(wanted, session=tx.session)
    return WebhookEvent.model_validate(row) if row else None


async def replace(row: Row, expected: Collection[InboxStatus], tx: Transaction) -> bool:
    """Write a row again if it still stands as expected and nobody has decided on it."""
    fields = dict(row)
    wanted = {
        "_id": fields.pop("_id"),
        "status": {"$in": sorted(expected)},
        "decision": None,
        # Of several payments in one event a person may have decided about the first.
        "doubts.decision": {"$not": {"$type": "object"}},
    }
    done = await WebhookEvent.get_pymongo_collection().update_one(
        wanted, {"$set": fields}, session=tx.session
    )
    return done.matched_count == 1


async def postpone(
    row: WebhookEvent,
    error: str,
    outcome: InboxStatus,
    at: datetime | None,
    purge_at: datetime | None,
) -> None:
    """Keep why a waiting event could not even be read, and when it is tried again."""
    await WebhookEvent.get_pymongo_collection().update_one(
        {"_id": row.id, "status": row.status.value, "attempts": row.attempts},
        {
            "$set": {
                "error": error,
                "status": outcome.value,
                "nextAttemptAt": at,
                "purgeAt": purge_at,
            }
        },
    )


async def find_waiting_lane(now: datetime, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a waiting event is due, if there is one."""
    due = _waiting(now) | wanted_by(lanes, "provider")
    row = await WebhookEvent.get_pymongo_collection().find_one(due, {"provider": 1})
    return lane_of(row.get("provider"), lanes) if row else None


def _waiting(now: datetime) -> Row:
    return {"status": {"$in": sorted(WAITING)}, "nextAttemptAt": {"$lte": now}}


async def claim_waiting(now: datetime, lease: timedelta, lane: Lane) -> WebhookEvent | None:
    """Take the waiting event of a lane that is due longest, and hide it from others for a while."""
    due = _waiting(now) | lane.wanted("provider")
    row = await WebhookEvent.get_pymongo_collection().find_one_and_update(
        due,
        {"$set": {"nextAttemptAt": now + lease}, "$inc": {"attempts": 1}},
        sort=[("nextAttemptAt", 1)],
        return_document=ReturnDocument.AFTER,
    )
    return WebhookEvent.model_validate(row) if row else None


async def count_waiting(now: datetime) -> int:
    """Count the waiting events that are due."""
    return await WebhookEvent.get_pymongo_collection().count_documents(_waiting(now))


async def write_review(row: WebhookEvent, purge_at: datetime, tx: Transaction) -> None:
    """Write what was decided about an open review that was read in the same transaction.

    Only once all of it is decided is it purged some day.
    """
    written = ("status", "reason", "decision", "doubts", "payload", "cut")
    fields = {name: row.stored(name) for name in written}
    done = row.decision is not None or row.status is not InboxStatus.REVIEW
    await WebhookEvent.get_pymongo_collection().update_one(
        {"_id": row.id, "status": InboxStatus.REVIEW.value, "decision": None},
        {"$set": {**fields, "purgeAt": purge_at if done else None}},
        session=tx.session,
    )


async def open_again(row: Row, tx: Transaction) -> bool:
    """Insert a review, or open one again that closed by itself; return whether it was closed.

    One that a person has decided stays decided.
    """
    events = WebhookEvent.get_pymongo_collection()
    known = await events.find_one({"_id": row["_id"]}, session=tx.session)
    if known is None:
        await events.insert_one(row, session=tx.session)
        return True
    if known["status"] == InboxStatus.REVIEW.value or known["decision"] is not None:
        return False
    fields = {name: value for name, value in row.items() if name != "_id"}
    await events.update_one({"_id": row["_id"]}, {"$set": fields}, session=tx.session)
    return True


async def open_reviews_of(merchant_id: str, session_id: str, tx: Transaction) -> list[WebhookEvent]:
    """Return the reviews of a session that are undecided or await a capture, by event id."""
    wanted = {
        "sessionId": session_id,
        "merchantId": merchant_id,
        "status": InboxStatus.REVIEW.value,
        "decision": None,
    }
    cursor = WebhookEvent.get_pymongo_collection().find(wanted, session=tx.session).sort("_id", 1)
    return [WebhookEvent.model_validate(row) for row in await cursor.to_list(1000)]


async def decided_review_of(merchant_id: str, session_id: str) -> WebhookEvent | None:
    """Return the latest decided review of a session."""
    wanted = {
        "sessionId": session_id,
        "merchantId": merchant_id,
        "status": InboxStatus.REVIEW.value,
        "decision": {"$ne": None},
    }
    row = await WebhookEvent.get_pymongo_collection().find_one(wanted, sort=[("decision.at", -1)])
    return WebhookEvent.model_validate(row) if row else None


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


async def sessions_waited_for(session_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return (merchant, session) of those of which an event waits, for a retry or for a person."""
    wanted = {"sessionId": {"$in": list(session_ids)}, "$or": _NEEDED}
    cursor = WebhookEvent.get_pymongo_collection().find(wanted, {"merchantId": 1, "sessionId": 1})
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}


def _over(now: datetime) -> Row:
    return {"purgeAt": {"$lte": now, "$type": "date"}, "$nor": _NEEDED}


async def reject(rejections: Sequence[WebhookRejection]) -> None:
    """Keep why deliveries were not believed, in one group."""
    rows = [rejection.to_row() for rejection in rejections]
    await WebhookRejection.get_pymongo_collection().insert_many(rows, ordered=False)


async def latest_rejections(provider: str | None, limit: int) -> list[WebhookRejection]:
    """Return the latest rejections, newest first; a capped collection keeps the order."""
    wanted = {"provider": {"$eq": provider}} if provider else {}
    cursor = WebhookRejection.get_pymongo_collection().find(wanted).sort("$natural", -1)
    return [WebhookRejection.model_validate(row) for row in await cursor.limit(limit).to_list()]


async def count_rejections() -> dict[str, int]:
    """Count the deliveries that the kept rejections stand for, by provider and reason."""
    stages: list[Row] = [
        {
            "$group": {
                "_id": {"provider": "$provider", "reason": "$reason"},
                "n": {"$sum": {"$ifNull": ["$deliveries", 1]}},
            }
        }
    ]
    cursor = await WebhookRejection.get_pymongo_collection().aggregate(stages)
    return {f"{row['_id']['provider']}:{row['_id']['reason']}": row["n"] async for row in cursor}


class OpenEvents(Struct, frozen=True):
    """Events of a provider that stand open, and since when the oldest does."""

    provider: str
    status: str
    count: int
    since: datetime


async def count_open() -> list[OpenEvents]:
    """Count the events that wait, were given up, or need a decision, by provider and status."""
    open_: Row = {"$or": [{"status": InboxStatus.DEAD.value}, *_NEEDED]}
    key = {"provider": "$provider", "status": "$status"}
    group = {"_id": key, "count": {"$sum": 1}, "since": {"$min": "$receivedAt"}}
    found = await WebhookEvent.get_pymongo_collection().aggregate(
        [{"$match": open_}, {"$group": group}]
    )
    return [OpenEvents(**row.pop("_id"), **row) async for row in found]
