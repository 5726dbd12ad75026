"""11: payments know who opened their session.

Before: only sessions did, and these are deleted after their time. Where one is gone nobody knows.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"owner": {"$exists": False}}


async def left(database: Database) -> Counts:
    """Count the payments without an owner."""
    return {"payments": await repository.count(database, "payments", _OLD)}


async def run(run: Run) -> None:
    """Take the owner from the session that a payment belongs to, while that is kept."""
    async for rows in repository.batches(run.database, "payments", _OLD, BATCH):
        owners = await _owners(run.database, rows)
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"owner": owners.get(_session(row))}})
            for row in rows
        ]
        run.add("payments", await run.update("payments", updates))
        await run.breathe()


async def _owners(database: Database, rows: list[Row]) -> dict[tuple[object, ...], str | None]:
    wanted = {"sessionId": {"$in": [row["sessionId"] for row in rows if row.get("sessionId")]}}
    names = ("merchantId", "sessionId", "createdAt", "owner")
    found = await repository.find(database, "sessions", wanted, names)
    # One that was opened anew under the same id is not meant.
    return {(*_named(row), row["createdAt"]): row.get("owner") for row in found}


def _session(row: Row) -> tuple[object, ...]:
    return (*_named(row), row.get("sessionOpenedAt"))


def _named(row: Row) -> tuple[object, ...]:
    return row["merchantId"], row.get("sessionId")
