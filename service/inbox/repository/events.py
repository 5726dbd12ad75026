"""Named queries on events: each is written once, and found by its id."""

from collections.abc import Collection
from typing import TypeVar

from service.core.news import EVENTS, WRITTEN
from service.inbox.documents import WebhookEvent
from service.inbox.states import WAITING, InboxStatus
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.group_commit.queue import Limits
from service.storage.group_commit.transactions import GroupTransaction, Work
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import LookUp, Question, Transaction

R = TypeVar("R")

# Somebody or something has still to act on one of these.
NEEDED: list[Row] = [
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
