"""When anything that is counted of a merchant was changed last, by the database's clock.

For answers that are kept an opened session is no change: it counts with the next run that reads it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession

from service.analytics.documents import CacheState, FiguresState
from service.analytics.repository.sources import SOURCES, as_of_now, since
from service.sessions.documents import Session
from service.sessions.states import MOVED
from service.storage.database import EMPTY_TIME, WRITTEN_AT, DatabaseTime, Row
from service.storage.transaction import Transaction

_MOVED: Final[Row] = {"status": {"$in": sorted(MOVED)}}
_INDEX_OF_MOVED: Final = "merchant_writtenAt_moved"
_CACHE: Final = "answers"
_LATEST: Final = "latest"
VERY_MUCH: Final = 1_000
"""Changes of one collection within the seconds in which more may be committed."""


class Latest(Struct, frozen=True):
    """What answers that are kept go by.

    When anything of a merchant changed last but by the opening of a session, empty without a
    change; how many facts runs have written of it; and when answers were dropped.
    """

    at: DatabaseTime
    written: int
    cleared_at: datetime | None


async def latest(merchant_id: str) -> Latest:
    """Return when what is counted of a merchant changed last: one command."""
    read = [{"$match": {"_id": merchant_id}}, {"$project": {"_id": 0, "written": 1}}]
    of_runs = {"$unionWith": {"coll": FiguresState.collection_name(), "pipeline": read}}
    cleared = [{"$match": {"_id": _CACHE}}]
    dropped = {"$unionWith": {"coll": CacheState.collection_name(), "pipeline": cleared}}
    rows = await _of_all(_newest(merchant_id), of_runs, dropped)
    return Latest(
        max((row["at"] for row in rows if "at" in row), default=EMPTY_TIME),
        next((row["written"] for row in rows if "written" in row), 0),
        next((row["clearedAt"] for row in rows if "clearedAt" in row), None),
    )


async def latest_of_each(
    merchant_id: str, tx: Transaction
) -> tuple[FiguresState | None, Mapping[str, DatabaseTime]]:
    """Return how far a merchant's rows were read, and when the latest of each collection changed.

    One command: what stands still is not asked for its rows. Without a state no times are told.
    """
    stages: list[Row] = [{"$match": {"_id": merchant_id}}]
    for name in SOURCES:
        as_ = f"{_LATEST}.{name}"
        stages.append({"$lookup": {"from": name, "pipeline": _newest(merchant_id), "as": as_}})
    found = await FiguresState.get_pymongo_collection().aggregate(stages, session=tx.session)
    rows = await found.to_list()
    if not rows:
        return None, {}
    times = {name: of[0]["at"] if of else EMPTY_TIME for name, of in rows[0][_LATEST].items()}
    return FiguresState.model_validate(rows[0]), times


def _newest(merchant_id: str) -> list[Row]:
    """Return the stages that find the latest time; rows from before a migration have none."""
    return [
        {"$match": {"merchantId": merchant_id, WRITTEN_AT: {"$gt": EMPTY_TIME}}},
        {"$sort": {WRITTEN_AT: -1, "_id": -1}},
        {"$limit": 1},
        {"$project": {"_id": 0, "at": f"${WRITTEN_AT}"}},
    ]


async def weight_before(
    merchant_id: str, at: DatabaseTime, seconds: int
) -> tuple[int | None, DatabaseTime]:
    """Return the sum of the times of all changes of the seconds that end with the latest one.

    What is committed late is written earlier than that, and makes this more: a row's time only
    rises, so no other can make it less again. All that was committed before the time that stands
    beside it is seen. None where very much was changed just now: what comes next is later in any
    case, and adding up all of it would cost each question more than its answer.
    """
    begins = max(at.time - seconds, 0)
    within = {"$gte": DatabaseTime(begins, 0), "$lte": at}
    changed: Row = {"$match": {"merchantId": merchant_id, WRITTEN_AT: within}}
    sums: Row = {"_id": None, "n": {"$sum": 1}, "weight": {"$sum": since(begins)}}
    async with as_of_now() as (session, now):
        over = now.time - at.time > seconds
        few: list[Row] = [] if over else [{"$limit": VERY_MUCH}]
        rows = await _of_all([changed, *few, {"$group": sums}], session=session)
    if not over and any(row["n"] >= VERY_MUCH for row in rows):
        return None, now
    return sum(row["weight"] for row in rows), now


async def _of_all(
    stages: list[Row], *more: Row, session: AsyncClientSession | None = None
) -> list[Row]:
    """Run stages on each collection that is counted, and on sessions that moved: one command."""
    others = [name for name in SOURCES if name != Session.collection_name()]
    union: list[Row] = [
        {"$match": _MOVED},
        *stages,
        *({"$unionWith": {"coll": name, "pipeline": stages}} for name in others),
        *more,
    ]
    sessions = Session.get_pymongo_collection()
    found = await sessions.aggregate(union, hint=_INDEX_OF_MOVED, session=session)
    return await found.to_list()


async def note_cleared(at: datetime, tx: Transaction) -> None:
    """Keep that answers which were kept before are to be computed anew."""
    await CacheState.get_pymongo_collection().update_one(
        {"_id": _CACHE}, {"$set": {"clearedAt": at}}, upsert=True, session=tx.session
    )
