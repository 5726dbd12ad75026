"""19: events and deliveries say whether figures are to count them anew.

Before: none did. Figures count all that there are once, so none is to be.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"recount": {"$exists": False}}
_COLLECTIONS = ("webhook_events", "webhook_deliveries")


async def left(database: Database) -> Counts:
    """Count the events and deliveries that don't say so."""
    return {name: await repository.count(database, name, _OLD) for name in _COLLECTIONS}


async def run(run: Run) -> None:
    """Say of each that it is not."""
    for name in _COLLECTIONS:
        async for rows in repository.batches(run.database, name, _OLD, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **_OLD}, {"$set": {"recount": False}}) for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()
