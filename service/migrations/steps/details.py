"""8: payments have details, and sessions a title.

Before: what a provider said of a payment besides its money stood in its events alone, from where
`tillgate events backfill` fills it in. What a session was called is not known any more.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_LACKING: dict[str, tuple[Row, Row]] = {
    "payments": (
        {"places": {"$exists": False}},
        {"details": {}, "places": {}, "declineCode": None, "failureDetails": None},
    ),
    "sessions": ({"title": {"$exists": False}}, {"title": None}),
}


def _unless_there(fields: Row) -> Row:
    """Set what is not there; this version may have written some of it to a row of before."""
    return {name: {"$ifNull": [f"${name}", {"$literal": value}]} for name, value in fields.items()}


async def left(database: Database) -> Counts:
    """Count the payments and the sessions without them."""
    return {
        name: await repository.count(database, name, old) for name, (old, _) in _LACKING.items()
    }


async def run(run: Run) -> None:
    """Set what they lack, to nothing."""
    for name, (old, fields) in _LACKING.items():
        async for rows in repository.batches(run.database, name, old, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **old}, [{"$set": _unless_there(fields)}]) for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()
