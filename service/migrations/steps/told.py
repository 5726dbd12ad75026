"""13: merchants say what is mailed to whom, in which language, and of which alerts none is opened.

Before: none of it. Whoever is named nowhere gets no mail, as before.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"language": {"$exists": False}}
_AS_BEFORE: Row = {"language": "en", "mailRecipients": [], "alertsOff": []}


async def left(database: Database) -> Counts:
    """Count the merchants that don't say so."""
    return {"merchants": await repository.count(database, "merchants", _OLD)}


async def run(run: Run) -> None:
    """Set what a merchant has that nobody has told anything."""
    async for rows in repository.batches(run.database, "merchants", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {**_AS_BEFORE}}) for row in rows
        ]
        run.add("merchants", await run.update("merchants", updates))
        await run.breathe()
