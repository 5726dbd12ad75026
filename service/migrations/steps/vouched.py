"""17: sessions say whether somebody vouches for their email address.

Before: none did. A secret key that opened one knew whose it was, and nobody else is known to have.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"emailVouched": {"$exists": False}}


async def left(database: Database) -> Counts:
    """Count the sessions that don't say so."""
    return {"sessions": await repository.count(database, "sessions", _OLD)}


async def run(run: Run) -> None:
    """Take it from who opened a session, which its history begins with."""
    async for rows in repository.batches(run.database, "sessions", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"emailVouched": _is_vouched(row)}})
            for row in rows
        ]
        run.add("sessions", await run.update("sessions", updates))
        await run.breathe()


def _is_vouched(row: Row) -> bool:
    history = row.get("history") or [{}]
    opener = str(history[0].get("by", ""))
    by_a_server = row.get("owner") == "trusted" and opener.partition(":")[0] == "secret"
    return by_a_server and isinstance(row.get("email"), str)
