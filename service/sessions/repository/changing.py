"""Insert and change sessions. Every change is one filtered update on the expected old state."""

from bson import ObjectId

from service.core.errors import Busy
from service.sessions.documents import Session, SessionRow
from service.storage.database import NOW_WRITTEN, Row
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.queue import Limits
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

# Several lanes: while one group waits for the disk, the answers of another are written.
INSERTS = GroupInsert(Session.get_pymongo_collection, Limits(items=32, lanes=3))


async def insert(session: SessionRow) -> None:
    """Insert a session. Raises `Duplicate` for a taken id, or a second open checkout."""
    await INSERTS.insert({"_id": ObjectId(), **session.fields})


async def change(session: Session, update: Row, tx: Transaction = NO_TRANSACTION) -> Session:
    """Apply an update if the session has not changed since it was read, else raise `Busy`.

    The same update increments the version.
    """
    expected = {
        "merchantId": session.merchant_id,
        "sessionId": session.session_id,
        "status": session.status.value,
        "version": session.version,
    }
    counted = {**update, **NOW_WRITTEN, "$inc": {**update.get("$inc", {}), "version": 1}}
    changed = await tx.change(session, expected, counted)
    if changed is None:
        raise Busy("The session is being changed by another call.", retry_after=1)
    return changed
