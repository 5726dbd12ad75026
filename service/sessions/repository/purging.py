"""Named queries of the purge: what was kept long enough is marked, then deleted."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime

from msgspec import Struct
from pymongo import UpdateOne

from service.sessions.documents import Session
from service.sessions.states import ENDED, OPEN
from service.storage.database import Row
from service.storage.keys import Key, Keys, Size, walk_keys
from service.storage.transaction import Transaction

_BY_KEY = "_id_"
_OF_ONE = {"merchantId": 1, "sessionId": 1, "version": 1, "review": 1, "purgeAt": 1}


class Purgeable(Struct, frozen=True):
    """A session whose retention period is over, as it was read."""

    key: Key
    merchant_id: str
    session_id: str
    version: int
    reviewed: bool
    purge_at: datetime

    @property
    def name(self) -> tuple[str, str]:
        """Return what its rows in other collections carry: merchant and session id."""
        return self.merchant_id, self.session_id


def walk_purgeable(now: datetime, size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of ended sessions that were kept long enough, in lists of `size`."""
    return walk_keys(Session.get_pymongo_collection(), _purgeable(now), by="purgeAt", size=size)


async def find_purgeable(now: datetime, keys: Keys) -> list[Purgeable]:
    """Find the sessions among some whose retention period is over."""
    wanted = {"_id": {"$in": keys}, **_purgeable(now)}
    cursor = Session.get_pymongo_collection().find(wanted, _OF_ONE, hint=_BY_KEY)
    return [
        Purgeable(
            key=row["_id"],
            merchant_id=row["merchantId"],
            session_id=row["sessionId"],
            version=row["version"],
            reviewed=row.get("review") is not None,
            purge_at=row["purgeAt"],
        )
        for row in await cursor.to_list()
    ]


async def count_purgeable(before: datetime, limit: int) -> int:
    """Count the ended sessions that should have been deleted before a time, up to a limit."""
    return await Session.get_pymongo_collection().count_documents(_purgeable(before), limit=limit)


async def mark_deletable(sessions: Sequence[Purgeable], now: datetime, tx: Transaction) -> None:
    """Mark the sessions that have not changed since they were read: any change in between wins."""
    marks = [
        UpdateOne(
            {"_id": session.key, "version": session.version, **_purgeable(now)},
            {"$set": {"deletableAt": now}, "$inc": {"version": 1}},
            hint=_BY_KEY,
        )
        for session in sessions
    ]
    await Session.get_pymongo_collection().bulk_write(marks, ordered=False, session=tx.session)


async def delete_marked(sessions: Sequence[Purgeable], now: datetime, tx: Transaction) -> int:
    """Delete those that were marked at this time, and whose mark was not removed since."""
    wanted = {"_id": {"$in": [session.key for session in sessions]}, "deletableAt": now}
    deleted = await Session.get_pymongo_collection().delete_many(
        wanted, hint=_BY_KEY, session=tx.session
    )
    return deleted.deleted_count


async def that_need_their_events(
    merchant_ids: Sequence[str], session_ids: Sequence[str]
) -> set[tuple[str, str]]:
    """Return (merchant, session) of those that are open, or await a person."""
    wanted = {
        "merchantId": {"$in": list(merchant_ids)},
        "sessionId": {"$in": list(session_ids)},
        "$or": [{"status": {"$in": sorted(OPEN)}}, {"review": {"$ne": None}}],
    }
    cursor = Session.get_pymongo_collection().find(
        wanted, {"merchantId": 1, "sessionId": 1}, hint="merchant_sessionId"
    )
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}


def _purgeable(now: datetime) -> Row:
    # Worded like the partial index on purgeAt, else it is not used.
    return {"status": {"$in": sorted(ENDED)}, "purgeAt": {"$lte": now, "$type": "date"}}
