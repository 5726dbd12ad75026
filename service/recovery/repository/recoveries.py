"""Named queries on sessions that were left."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime

from msgspec import Struct

from service.core.paging import Cursor
from service.recovery.documents import Recovery, recovery_id
from service.recovery.states import RecoveryStatus
from service.storage.database import Row
from service.storage.keys import Keys, walk_keys
from service.storage.paging import Walk, read_page
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

_WAITING = RecoveryStatus.WAITING.value


class Lately(Struct, frozen=True):
    """How often a customer was reminded, of whatever they began, and last when."""

    reminders: int
    last: datetime | None


async def add_once(rows: Sequence[Row], tx: Transaction) -> None:
    """Add sessions that were left and are not known yet."""
    await tx.insert_missing(Recovery.get_pymongo_collection(), rows)


async def known(ids: Collection[str]) -> set[str]:
    """Return those of some that are there."""
    found = Recovery.get_pymongo_collection().find({"_id": {"$in": [*ids]}}, {"_id": 1})
    return {row["_id"] for row in await found.to_list()}


async def find(
    merchant_id: str, session_id: str, tx: Transaction = NO_TRANSACTION
) -> Recovery | None:
    """Find what is known of a session that was left."""
    row = await Recovery.get_pymongo_collection().find_one(
        {"_id": recovery_id(merchant_id, session_id)}, session=tx.session
    )
    return Recovery.model_validate(row) if row else None


async def reminded_lately(
    merchant_id: str, customer: Sequence[str], since: datetime, tx: Transaction = NO_TRANSACTION
) -> Lately:
    """Return how often a customer was reminded: of sessions whose last reminder is since a time.

    A customer is whoever has one of those names.
    """
    wanted: Row = {
        "merchantId": merchant_id,
        "customer": {"$in": [*customer]},
        # In the words of the partial index, which is used for no other query.
        "remindedAt": {"$gte": since, "$type": "date"},
    }
    found = Recovery.get_pymongo_collection().find(
        wanted,
        {"_id": 0, "reminders": 1, "remindedAt": 1},
        hint="merchant_customer_remindedAt",
        session=tx.session,
    )
    rows = await found.to_list()
    return Lately(
        sum(row["reminders"] for row in rows),
        max((row["remindedAt"] for row in rows), default=None),
    )


def walk_due(now: datetime, size: int) -> AsyncGenerator[Keys, None]:
    """Yield the ids of those that are to be looked at, longest due first, in lists of `size`."""
    return walk_keys(Recovery.get_pymongo_collection(), _due(now), by="nextAt", size=size)


async def count_due(now: datetime) -> int:
    """Count those that are to be looked at."""
    return await Recovery.get_pymongo_collection().count_documents(_due(now))


async def move_on(recovery: Recovery, change: Row, tx: Transaction) -> bool:
    """Change one that nobody has changed since it was read; return whether that was done."""
    wanted = {
        "_id": recovery.id,
        "status": _WAITING,
        "nextAt": recovery.next_at,
        "reminders": recovery.reminders,
    }
    done = await Recovery.get_pymongo_collection().update_one(
        wanted, {"$set": change}, session=tx.session
    )
    return done.matched_count == 1


async def note_resumed(merchant_id: str, session_id: str, now: datetime) -> None:
    """Note that a session's link led to a checkout."""
    await Recovery.get_pymongo_collection().update_one(
        {"_id": recovery_id(merchant_id, session_id)},
        {"$set": {"resumedAt": now}, "$inc": {"resumed": 1}},
    )


async def page(
    merchant_id: str, status: RecoveryStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[Recovery], Cursor | None]:
    """Return a page of a merchant's, newest first; their state is tested row by row."""
    walk = Walk(
        wanted={"merchantId": merchant_id},
        by="enrolledAt",
        also={} if status is None else {"status": status.value},
        index="merchant_enrolledAt",
    )
    recoveries = Recovery.get_pymongo_collection()
    rows, following = await read_page(recoveries, walk, cursor=cursor, limit=limit)
    return [Recovery.model_validate(row) for row in rows], following


def _due(now: datetime) -> Row:
    return {"status": _WAITING, "nextAt": {"$lte": now}}
