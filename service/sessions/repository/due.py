"""Named queries of the cleanup: what is overdue."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

import pymongo

from service.sessions.documents import DueSession, Session
from service.sessions.states import Status
from service.storage.answering import DatabaseError
from service.storage.database import ANSWER_WITHIN_S, NOW_WRITTEN, Row
from service.storage.documents import wire_name
from service.storage.keys import Keys, Size, walk_keys
from service.storage.transaction import Transaction

# The fields that a due session is read with.
_OF_A_DUE_ONE = {wire_name(name): 1 for name in DueSession.model_fields}
# With keys given, the filter's other fields must not lure the planner to their index, which still
# has the entries of everything done before.
_BY_KEY = "_id_"


def walk_due(now: datetime, size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of overdue pending sessions, oldest first, in lists of `size`."""
    return walk_keys(Session.get_pymongo_collection(), _due(now), by="expiresAt", size=size)


async def find_due(now: datetime, among: Keys, tx: Transaction) -> list[DueSession]:
    """Find the overdue pending sessions among some."""
    cursor = Session.get_pymongo_collection().find(
        _due(now, among), _OF_A_DUE_ONE, session=tx.session, hint=_BY_KEY
    )
    return [DueSession.model_validate(row) for row in await cursor.to_list()]


async def expire_all(
    sessions: Sequence[DueSession], line: Row, purge_at: datetime | None, tx: Transaction
) -> int:
    """Expire sessions that were read as due in the same transaction; return how many.

    `line` is added to the history of each, and its time decides which are due. Their checkouts are
    marked as given up.
    """
    await _give_up([session.id for session in sessions if session.checkouts], line["at"], tx)
    done = await Session.get_pymongo_collection().update_many(
        _due(line["at"], [session.id for session in sessions]),
        {
            "$set": {
                "status": Status.EXPIRED.value,
                "purgeAt": purge_at,
                "updatedAt": line["at"],
                "liveAttempts": [],
                "capturing": None,
            },
            "$push": {"history": line},
            "$inc": {"version": 1},
            **NOW_WRITTEN,
        },
        session=tx.session,
        hint=_BY_KEY,
    )
    return done.modified_count


async def _give_up(keys: Keys, now: datetime, tx: Transaction) -> None:
    if keys:
        await Session.get_pymongo_collection().update_many(
            _due(now, keys),
            {"$set": {"checkouts.$[open].closedAt": now, "checkoutUrl": None}},
            array_filters=[{"open.closedAt": None}],
            session=tx.session,
            hint=_BY_KEY,
        )


def _due(now: datetime, among: Keys | None = None) -> Row:
    due: Row = {"status": Status.PENDING.value, "expiresAt": {"$lte": now}}
    return due if among is None else {"_id": {"$in": among}, **due}


async def find_overdue_processing(now: datetime, limit: int) -> list[Session]:
    """Find overdue sessions whose payment is reported as under way."""
    cursor = Session.get_pymongo_collection().find(_under_way(now)).sort("askedAt", 1).limit(limit)
    return [Session.model_validate(row) for row in await cursor.to_list()]


async def count_overdue_processing(now: datetime) -> int:
    """Count the overdue sessions whose payment is reported as under way."""
    return await Session.get_pymongo_collection().count_documents(_under_way(now))


def _under_way(now: datetime) -> Row:
    return {"status": Status.PROCESSING.value, "expiresAt": {"$lte": now}}


async def note_asked(session: Session, now: datetime) -> None:
    """Record when the cleanup last asked about a session; this does not change its version."""
    await Session.get_pymongo_collection().update_one(
        {"merchantId": session.merchant_id, "sessionId": session.session_id},
        {"$set": {"askedAt": now}},
    )


async def count_due(now: datetime) -> int:
    """Count the overdue pending sessions."""
    return await Session.get_pymongo_collection().count_documents(_due(now))


async def read_nothing() -> bool:
    """Read a session that is not there, as quickly as one is read by its id: only to be timed.

    Returns whether the database answered. It counts as no call of the service's own to `/metrics`.
    """
    wanted = {"merchantId": "", "sessionId": ""}
    try:
        with pymongo.timeout(ANSWER_WITHIN_S):
            await Session.get_pymongo_collection().find_one(wanted, {"_id": 1})
    except DatabaseError:
        return False
    return True
