"""20: two indexes have all that is counted by them; the old ones go.

Open sessions of a merchant, and facts of who tried again, were read to be counted.
"""

from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database

_GONE = (("sessions", "status_expiresAt"), ("figures_facts", "tried_again_merchant_at"))


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
    there = {name: await repository.indexes_of(database, name) for name, _ in _GONE}
    return [(where, name) for where, name in _GONE if name in there[where]]
