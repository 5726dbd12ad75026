"""14: sessions name the lead that they follow, and those of before follow none."""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"intentId": {"$exists": False}}


async def left(database: Database) -> Counts:
    """Count the sessions without the field."""
    return {"sessions": await repository.count(database, "sessions", _OLD)}


async def run(run: Run) -> None:
    """Set it, to nothing."""
    async for rows in repository.batches(run.database, "sessions", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"intentId": None}}) for row in rows
        ]
        run.add("sessions", await run.update("sessions", updates))
        await run.breathe()
