"""6: leases have a fence, and an event has a field for the lease under which it is retried.

Before: a lease was its holder and its end; a retry put off its `nextAttemptAt`. Both were times of
the process that wrote them.
"""

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"leasedUntil": {"$exists": False}}
_OLD_LEASE: Row = {"fence": {"$exists": False}}


async def left(database: Database) -> Counts:
    """Count the events and the leases without their fields."""
    return {
        "events": await repository.count(database, "webhook_events", _OLD),
        "leases": await repository.count(database, "leases", _OLD_LEASE),
    }


async def run(run: Run) -> None:
    """Let nobody hold what has no lease, and begin to count the holders of what has one."""
    leases = await repository.find(run.database, "leases", _OLD_LEASE, ("_id",))
    begin: list[repository.Update] = [
        ({"_id": lease["_id"], **_OLD_LEASE}, {"$set": {"fence": 0, "renewals": 0}})
        for lease in leases
    ]
    if begin:
        run.add("leases", await run.update("leases", begin))
    async for rows in repository.batches(run.database, "webhook_events", _OLD, BATCH):
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"leasedUntil": None}}) for row in rows
        ]
        run.add("events", await run.update("webhook_events", updates))
        await run.breathe()
