"""12: sessions, payments and refunds have the database's time of their last change.

Before: only that of the process which made it. Two indexes go, in whose place there is one on that
time. Sessions also say from which address they were opened: of those of before nobody knows it.
"""

from datetime import datetime

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, DatabaseTime, Row

_OLD: Row = {"writtenAt": {"$exists": False}}
_CHANGING = ("sessions", "payments", "refunds")
_GONE = (("sessions", "merchant_updatedAt"), ("payments", "live_updatedAt"))


async def left(database: Database) -> Counts:
    """Count the rows without that time, and the indexes to drop."""
    counts = {name: await repository.count(database, name, _OLD) for name in _CHANGING}
    return {**counts, "indexes": len(await _replaced(database))}


async def run(run: Run) -> None:
    """Take the time of the process: all of them are of before any sweep by the database's."""
    for name in _CHANGING:
        new: Row = {"openedFrom": None} if name == "sessions" else {}
        async for rows in repository.batches(run.database, name, _OLD, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **_OLD}, {"$set": {"writtenAt": _told_by(row), **new}})
                for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()
    for name, index in await _replaced(run.database):
        await repository.drop_index(run.database, name, index)
        run.add("indexes", 1)


async def _replaced(database: Database) -> list[tuple[str, str]]:
    there = {name: await repository.indexes_of(database, name) for name, _ in _GONE}
    return [(name, index) for name, index in _GONE if index in there[name]]


def _told_by(row: Row) -> DatabaseTime:
    at = row.get("updatedAt")
    return DatabaseTime(max(int(at.timestamp()), 1) if isinstance(at, datetime) else 1, 1)
