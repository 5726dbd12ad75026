"""20: the index on what sessions expire has their merchant and currency, too; the old one goes.

Without these a merchant's open sessions were read to be counted.
"""

from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database

_GONE = "status_expiresAt"


async def left(database: Database) -> Counts:
    """Count the index to drop."""
    return {"indexes": int(_GONE in await repository.indexes_of(database, "sessions"))}


async def run(run: Run) -> None:
    """Drop what was replaced; what is missing is made afterwards."""
    if _GONE in await repository.indexes_of(run.database, "sessions"):
        await repository.drop_index(run.database, "sessions", _GONE)
        run.add("indexes", 1)
    await run.breathe()
