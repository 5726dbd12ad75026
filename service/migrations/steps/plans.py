"""16: prices say what the providers call a plan's price, and how long what it costs lasts.

Before: none of it. A plan without a provider's price is subscribed to as before.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"providerPrices": {"$exists": False}}
_AS_BEFORE: Row = {"interval": None, "intervalCount": 1, "providerPrices": {}}


async def left(database: Database) -> Counts:
    """Count the prices that don't say so."""
    return {"prices": await repository.count(database, "prices", _OLD)}


async def run(run: Run) -> None:
    """Set what a price has of which no provider's is named."""
    async for rows in repository.batches(run.database, "prices", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {**_AS_BEFORE}}) for row in rows
        ]
        run.add("prices", await run.update("prices", updates))
        await run.breathe()
