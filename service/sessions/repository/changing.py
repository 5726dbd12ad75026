"""Insert and change sessions. Every change is one filtered update on the expected old state."""

from typing import Any

from bson import ObjectId
from pydantic import TypeAdapter
from pymongo import ReturnDocument

from service.core.errors import Busy
from service.sessions.documents import HistoryEntry, Session, SessionRow
from service.storage.database import Row
from service.storage.documents import wire_name
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.member import Member, NeedsOwnTransaction
from service.storage.group_commit.queue import Limits
from service.storage.transactions import Transaction

# Several lanes: while one group waits for the disk, the answers of another are written.
INSERTS = GroupInsert(Session.get_pymongo_collection, Limits(items=32, lanes=3))

# Fields that are stored in another shape than the document has them in.
_BUILT: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(Session.model_fields[name].annotation)
    for name in (
        "status",
        "review",
        "decisions",
        "opening",
        "capturing",
        "checkouts",
        "history",
    )
}
_FIELDS = {wire_name(name): name for name in Session.model_fields}


async def insert(session: SessionRow) -> None:
    """Insert a session. Raises `Duplicate` for a taken id, or a second open checkout."""
    await INSERTS.insert({"_id": ObjectId(), **session.fields})


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
    """Return the session as an update makes it that goes out later, with the group's writes.

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
