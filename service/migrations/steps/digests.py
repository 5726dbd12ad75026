"""18: merchants say whether they are mailed about leads. Before: none of them was."""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"leadDigest": {"$exists": False}}


async def left(database: Database) -> Counts:
    """Count the merchants that don't say so."""
    return {"merchants": await repository.count(database, "merchants", _OLD)}


async def run(run: Run) -> None:
    """Set it to no."""
    async for rows in repository.batches(run.database, "merchants", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"leadDigest": False}}) for row in rows
        ]
        run.add("merchants", await run.update("merchants", updates))
        await run.breathe()
