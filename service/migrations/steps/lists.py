"""10: the indexes of lists end in `_id`; the old ones are dropped.

Without it pages in which several rows have one time would be sorted in memory. Sessions are listed
by when they changed, and no query reads the index on their event.
"""

from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database

_GONE = (
    ("payments", "merchant_user_createdAt"),
    ("payments", "merchant_status_createdAt"),
    ("sessions", "eventId"),
)


async def left(database: Database) -> Counts:
    """Count the indexes to drop."""
    return {"indexes": len(await _replaced(database))}


async def run(run: Run) -> None:
    """Drop what was replaced; what is missing is made afterwards."""
    for collection, name in await _replaced(run.database):
        await repository.drop_index(run.database, collection, name)
        run.add("indexes", 1)
    await run.breathe()


async def _replaced(database: Database) -> list[tuple[str, str]]:
    there = {
        name: await repository.indexes_of(database, name)
        for name in dict.fromkeys(collection for collection, _ in _GONE)
    }
    return [(where, name) for where, name in _GONE if name in there[where]]
