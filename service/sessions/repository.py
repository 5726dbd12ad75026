"""Named queries on sessions. Every change is one filtered update on the expected old state."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Any

from bson import ObjectId
from pydantic import TypeAdapter
from pymongo import ReturnDocument

from service.core.errors import Busy
from service.core.paging import Cursor
from service.sessions.documents import DueSession, HistoryEntry, Session, SessionRow
from service.sessions.states import ENDED, OPEN, Status
from service.storage import rows
from service.storage.database import Row
from service.storage.documents import wire_name
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.loads import BatchedLoad
from service.storage.group_commit.member import (
    LookUp,
    Member,
    NeedsOwnTransaction,
    Question,
)
from service.storage.group_commit.queue import Limits
from service.storage.keys import Keys, walk_keys
from service.storage.paging import newest_first
from service.storage.transactions import Transaction, session_of

# Several lanes: while one group waits for the disk, the answers of another are written.
INSERTS = GroupInsert(Session.get_pymongo_collection, Limits(items=32, lanes=3))
LOADS = BatchedLoad(
    Session.get_pymongo_collection, ("merchantId", "sessionId"), Limits(items=100, lanes=1)
)

# Fields that are stored in another shape than the document has them in.
_BUILT: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(Session.model_fields[name].annotation)
    for name in ("status", "review", "opening", "checkouts", "history")
}
_FIELDS = {wire_name(name): name for name in Session.model_fields}

# What a due session is read with.
_OF_A_DUE_ONE = {wire_name(name): 1 for name in DueSession.model_fields}
# Where keys are given, the other fields of a filter must not tempt the planner to their index: it
# still holds the entries of all that was done before.
_BY_KEY = "_id_"

# What a list of sessions does not show.
_HEAVY = ("history", "checkouts", "opening")


async def insert(session: SessionRow) -> None:
    """Insert a session. Raises `Duplicate` for a taken id, or a second open checkout."""
    await INSERTS.insert({"_id": ObjectId(), **session.fields})


async def find(merchant_id: str, session_id: str, tx: Transaction | None = None) -> Session | None:
    """Find a session by its id."""
    if tx is None:
        found = await read(merchant_id, session_id)
        return found.document() if found else None
    wanted = {"merchantId": merchant_id, "sessionId": {"$eq": session_id}}
    row = await Session.get_pymongo_collection().find_one(wanted, session=session_of(tx))
    return Session.model_validate(row) if row else None


async def read(merchant_id: str, session_id: str) -> SessionRow | None:
    """Find a session by its id, to be shown and not changed."""
    row = await LOADS.load(merchant_id, session_id)
    return SessionRow(row) if row else None


async def find_open_checkout(
    merchant_id: str, user_id: str, plan: str | None, provider: str
) -> Session | None:
    """Find the one open checkout session of a user, plan and provider."""
    wanted = {
        "merchantId": merchant_id,
        "userId": {"$eq": user_id},
        "plan": plan,
        "provider": provider,
        "kind": "checkout",
        "status": {"$in": sorted(OPEN)},
    }
    row = await Session.get_pymongo_collection().find_one(wanted)
    return Session.model_validate(row) if row else None


async def find_latest_checkout(merchant_id: str, user_id: str) -> Session | None:
    """Find a user's most recent checkout session."""
    wanted = {"merchantId": merchant_id, "userId": {"$eq": user_id}, "kind": "checkout"}
    row = await Session.get_pymongo_collection().find_one(
        wanted, sort=[("createdAt", -1), ("_id", -1)]
    )
    return Session.model_validate(row) if row else None


async def find_by_checkout(merchant_id: str, ref: str) -> Session | None:
    """Find the session of a provider's checkout."""
    wanted = {"merchantId": merchant_id, "checkouts.ref": {"$eq": ref}}
    row = await Session.get_pymongo_collection().find_one(wanted)
    return Session.model_validate(row) if row else None


def by_provider_ids(merchant_id: str, refs: Sequence[str], session_ids: Sequence[str]) -> Question:
    """Ask for the sessions that an event may mean: by checkout id, or by a session id sent along.

    Each branch has its own index; a merchant beside them would invite a scan of all of it.
    """
    look_ups = (
        LookUp("checkouts.ref", tuple(refs)),
        LookUp("sessionId", tuple(session_ids), fixed={"merchantId": merchant_id}),
    )
    return Question(Session.get_pymongo_collection(), look_ups)


async def find_by_provider_ids(
    merchant_id: str,
    provider: str,
    refs: Sequence[str],
    session_ids: Sequence[str],
    tx: Transaction | None,
) -> list[Session]:
    """Find the provider's sessions that an event may mean."""
    found = await rows.answer(by_provider_ids(merchant_id, refs, session_ids), tx)
    ours = {"merchantId": merchant_id, "provider": provider}
    return [Session.model_validate(row) for row in found if ours.items() <= row.items()]


async def page(
    merchant_id: str,
    user_id: str,
    status: Status | None,
    now: datetime,
    *,
    cursor: Cursor | None,
    limit: int,
) -> tuple[list[Session], Cursor | None]:
    """Give a page of a user's sessions, newest first; lazily expired ones count as expired."""
    wanted: Row = {"merchantId": merchant_id, "userId": {"$eq": user_id}}
    if status is Status.EXPIRED:
        overdue = {"status": Status.PENDING.value, "expiresAt": {"$lte": now}}
        wanted["$or"] = [{"status": Status.EXPIRED.value}, overdue]
    elif status is Status.PENDING:
        wanted |= {"status": Status.PENDING.value, "expiresAt": {"$gt": now}}
    elif status is not None:
        wanted["status"] = status.value
    found, following = await newest_first(
        Session.get_pymongo_collection(),
        wanted,
        by="createdAt",
        cursor=cursor,
        limit=limit,
        leave_out=_HEAVY,
    )
    return [Session.model_validate(row) for row in found], following


async def change(session: Session, update: Row, tx: Transaction | None = None) -> Session:
    """Apply an update if the session is still as it was read. Raises `Busy` if it is not.

    The version counts up in the same update.
    """
    expected = {
        "merchantId": session.merchant_id,
        "sessionId": session.session_id,
        "status": session.status.value,
        "version": session.version,
    }
    counted = {**update, "$inc": {**update.get("$inc", {}), "version": 1}}
    if isinstance(tx, Member):
        tx.update(Session.get_pymongo_collection(), expected, counted)
        return _changed(session, counted)
    row = await Session.get_pymongo_collection().find_one_and_update(
        expected, counted, session=tx, return_document=ReturnDocument.AFTER
    )
    if row is None:
        raise Busy("The session is being changed by another call.", retry_after=1)
    changed: Session = Session.model_validate(row)
    return changed


def _changed(session: Session, update: Row) -> Session:
    """Give the session as an update makes it that goes out later, with the group's writes.

    Raises `NeedsOwnTransaction` for an operator that only the database can apply.
    """
    if update.keys() - {"$set", "$push", "$inc"} or update.get("$push", {}).keys() - {"history"}:
        raise NeedsOwnTransaction
    values = {_FIELDS[name]: value for name, value in update["$set"].items()}
    for field in values.keys() & _BUILT.keys():
        values[field] = _BUILT[field].validate_python(values[field])
    for name, by in update["$inc"].items():
        values[_FIELDS[name]] = getattr(session, _FIELDS[name]) + by
    if pushed := update.get("$push"):
        values["history"] = [*session.history, HistoryEntry.model_validate(pushed["history"])]
    changed: Session = session.model_copy(update=values)
    return changed


def walk_due(now: datetime, size: int) -> AsyncGenerator[Keys, None]:
    """Give the keys of pending sessions past their time, the oldest first, in lists of `size`."""
    return walk_keys(Session.get_pymongo_collection(), _due(now), by="expiresAt", size=size)


async def find_due(now: datetime, among: Keys, tx: Transaction) -> list[DueSession]:
    """Find the pending sessions past their time among some."""
    cursor = Session.get_pymongo_collection().find(
        _due(now, among), _OF_A_DUE_ONE, session=session_of(tx), hint=_BY_KEY
    )
    return [DueSession.model_validate(row) for row in await cursor.to_list()]


async def expire_all(
    sessions: Sequence[DueSession], line: Row, purge_at: datetime | None, tx: Transaction
) -> int:
    """Expire sessions that were read as due in the same transaction; give how many.

    `line` goes to the history of each, and its time decides what is due.
    """
    done = await Session.get_pymongo_collection().update_many(
        _due(line["at"], [session.id for session in sessions]),
        {
            "$set": {
                "status": Status.EXPIRED.value,
                "purgeAt": purge_at,
                "updatedAt": line["at"],
                "liveAttempts": [],
            },
            "$push": {"history": line},
            "$inc": {"version": 1},
        },
        session=session_of(tx),
        hint=_BY_KEY,
    )
    return done.modified_count


def _due(now: datetime, among: Keys | None = None) -> Row:
    due: Row = {"status": Status.PENDING.value, "expiresAt": {"$lte": now}}
    return due if among is None else {"_id": {"$in": among}, **due}


async def find_overdue_processing(now: datetime, limit: int) -> list[Session]:
    """Find sessions past their time whose payment is said to be under way."""
    due = {"status": Status.PROCESSING.value, "expiresAt": {"$lte": now}}
    cursor = Session.get_pymongo_collection().find(due).sort("askedAt", 1).limit(limit)
    return [Session.model_validate(row) for row in await cursor.to_list()]


async def note_asked(session: Session, now: datetime) -> None:
    """Keep when the cleanup last asked about a session; it is no change of the session itself."""
    await Session.get_pymongo_collection().update_one(
        {"merchantId": session.merchant_id, "sessionId": session.session_id},
        {"$set": {"askedAt": now}},
    )


async def count_due(now: datetime) -> int:
    """Count the pending sessions past their time."""
    return await Session.get_pymongo_collection().count_documents(_due(now))


async def count_purgeable(now: datetime) -> int:
    """Count the ended sessions whose time of keeping is over."""
    return await Session.get_pymongo_collection().count_documents(_purgeable(now))


def walk_purgeable(now: datetime, size: int) -> AsyncGenerator[Keys, None]:
    """Give the keys of ended sessions that were kept long enough, in lists of `size`."""
    return walk_keys(Session.get_pymongo_collection(), _purgeable(now), by="purgeAt", size=size)


async def purge(now: datetime, keys: Keys) -> int:
    """Delete ended sessions whose time of keeping is over and that nobody must look at."""
    # The filter again: a late payment may have completed one of them since.
    deleted = await Session.get_pymongo_collection().delete_many(
        {"_id": {"$in": keys}, **_purgeable(now)}, hint=_BY_KEY
    )
    return deleted.deleted_count


def _purgeable(now: datetime) -> Row:
    # In the words of the partial index on purgeAt, which is used for no others.
    return {"status": {"$in": sorted(ENDED)}, "review": None, "purgeAt": {"$lte": now}}
