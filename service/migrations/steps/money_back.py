"""9: payments have what their refunds and disputes add up to, events what they are about.

Before: refunds and disputes stood in the events alone, from where `tillgate events backfill` takes
them into the ledger. What came before is yet to be posted.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_NOTHING_YET: Row = {"refunded": 0, "excess": 0, "reserved": 0, "held": 0, "eventId": None}
_POSTED = ["succeeded", "refunded", "reversed"]

_LACKING: tuple[tuple[str, Row, Row], ...] = (
    (
        "payments",
        {"unposted": {"$exists": False}, "status": {"$in": _POSTED}},
        _NOTHING_YET | {"unposted": True},
    ),
    (
        "payments",
        {"unposted": {"$exists": False}, "status": {"$nin": _POSTED}},
        _NOTHING_YET | {"unposted": False},
    ),
    (
        "webhook_events",
        {"waitsFor": {"$exists": False}},
        {"objectId": None, "userId": None, "waitsFor": []},
    ),
)


async def left(database: Database) -> Counts:
    """Count the payments and the events without them."""
    counts: Counts = {}
    for name, old, _ in _LACKING:
        counts[name] = counts.get(name, 0) + await repository.count(database, name, old)
    return counts


async def run(run: Run) -> None:
    """Set what they lack, to nothing."""
    for name, old, fields in _LACKING:
        async for rows in repository.batches(run.database, name, old, BATCH):
            updates: list[repository.Update] = [
                ({"_id": row["_id"], **old}, {"$set": fields}) for row in rows
            ]
            run.add(name, await run.update(name, updates))
            await run.breathe()
