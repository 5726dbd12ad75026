"""Named queries on events: each is written once, and found by its id."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

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

# In the words of the partial index, which is used for no other query.
_INDEXED = {"$type": "string"}

# Three lanes: while one group waits for the database, others are read and written.
COMMITS = GroupTransaction(Limits(items=32, lanes=3))


async def commit(work: Work[R], size: int) -> R:
    """Run a work in a transaction that it may share; `size` is about the bytes that it writes.

    The work may happen several times. Raises what it raises, and `Unavailable`.
    """
    return await COMMITS.run(work, size)


class Meeting(Struct, frozen=True):
    """An event, and the ids of the payments that it brings, for which others may wait."""

    provider: str
    account: str
    inbox_id: str
    brings: tuple[str, ...] = ()


def by_meeting(met: Meeting) -> Question:
    """Ask for the row of an event, and for those that wait for what it brings: by one query."""
    fixed = {"provider": met.provider, "account": met.account}
    waiting = LookUp("waitsFor", met.brings, fixed=fixed, also=_INDEXED)
    own = LookUp("_id", (met.inbox_id,))
    return Question(WebhookEvent.get_pymongo_collection(), (own, waiting))


async def refuse_known(met: Meeting, tx: Transaction) -> list[str]:
    """Return the ids of the events that wait for what a new one brings.

    Raises `Duplicate` for one that has a row, before anything is done for it. The insert of the row
    decides; this only spares what would be aborted by it.
    """
    found = [row["_id"] for row in await tx.look_up(by_meeting(met))]
    if met.inbox_id in found:
        raise Duplicate(f"{met.inbox_id} is known")
    return found


async def waiting_for(met: Meeting, tx: Transaction) -> list[str]:
    """Return the ids of the events that wait for what one brings that has a row."""
    found = await tx.look_up(by_meeting(met)) if met.brings else []
    return [row["_id"] for row in found if row["_id"] != met.inbox_id]


async def wake(inbox_ids: Sequence[str], now: datetime, tx: Transaction) -> None:
    """Have events tried as soon as this transaction is committed."""
    if not inbox_ids:
        return
    WRITTEN.notify([EVENTS])
    for one in inbox_ids:
        await tx.update(
            WebhookEvent.get_pymongo_collection(), {"_id": one}, {"$set": {"nextAttemptAt": now}}
        )


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
