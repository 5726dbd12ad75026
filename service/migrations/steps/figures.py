"""15: disputes and failed tries have the database's time of their last change, payments a first.

Before: disputes and tries only that of the process which made it. Figures read what has changed by
that time, and count a payment when its provider first reported it: of those of before nobody kept
that, so it is the earlier of two times that they have.
"""

from datetime import datetime

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, DatabaseTime, Row

_OLD: Row = {"writtenAt": {"$exists": False}}
_NOT_FIRST: Row = {"firstAt": {"$exists": False}}
_CHANGING = {"disputes": _OLD, "payment_attempts": _OLD, "payments": _NOT_FIRST}


async def left(database: Database) -> Counts:
    """Count the rows without that time."""
    return {
        name: await repository.count(database, name, wanted) for name, wanted in _CHANGING.items()
    }


async def run(run: Run) -> None:
    """Take the times of the process: nobody has read any of them by the database's yet."""
    for name, wanted in _CHANGING.items():
        async for rows in repository.batches(run.database, name, wanted, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **wanted}, {"$set": _new(row, wanted)}) for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()


def _new(row: Row, wanted: Row) -> Row:
    if wanted is _OLD:
        return {"writtenAt": _told_by(row)}
    times = [at for name in ("statusAt", "createdAt") if (at := row.get(name)) is not None]
    return {"firstAt": min(times, default=None)}


def _told_by(row: Row) -> DatabaseTime:
    at = row.get("updatedAt")
    return DatabaseTime(max(int(at.timestamp()), 1) if isinstance(at, datetime) else 1, 1)
