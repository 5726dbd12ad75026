"""14: disputes and failed tries have the database's time of their last change.

Before: only that of the process which made it. Figures read what has changed by that time.
"""

from datetime import datetime

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, DatabaseTime, Row

_OLD: Row = {"writtenAt": {"$exists": False}}
_CHANGING = ("disputes", "payment_attempts")


async def left(database: Database) -> Counts:
    """Count the rows without that time."""
    return {name: await repository.count(database, name, _OLD) for name in _CHANGING}


async def run(run: Run) -> None:
    """Take the time of the process: nobody has read any of them by the database's yet."""
    for name in _CHANGING:
        async for rows in repository.batches(run.database, name, _OLD, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **_OLD}, {"$set": {"writtenAt": _told_by(row)}})
                for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()


def _told_by(row: Row) -> DatabaseTime:
    at = row.get("updatedAt")
    return DatabaseTime(max(int(at.timestamp()), 1) if isinstance(at, datetime) else 1, 1)
