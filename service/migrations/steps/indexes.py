"""4: indexes that are declared otherwise by now are dropped; what is missing is made afterwards.

The one on `checkoutIds` is unique: where two sessions have one id, it stays with the older one.
"""

from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database, Row

_COLLECTIONS = ("sessions", "webhook_events", "prices")
_GONE = (
    ("sessions", "checkouts_ref"),
    ("sessions", "purgeAt_ttl"),
    ("webhook_events", "purgeAt_ttl"),
    ("prices", "merchant_item_currency"),
)
_ONE_OPEN = ["merchantId", "userId", "plan", "provider", "owner"]

_SHARED: list[Row] = [
    {"$match": {"checkoutIds.0": {"$exists": True}}},
    {"$project": {"checkoutIds": 1, "provider": 1, "createdAt": 1}},
    {"$unwind": "$checkoutIds"},
    {"$sort": {"createdAt": 1, "_id": 1}},
    {"$group": {"_id": {"id": "$checkoutIds", "of": "$provider"}, "all": {"$push": "$_id"}}},
    {"$match": {"all.1": {"$exists": True}}},
]


async def left(database: Database) -> Counts:
    """Count the indexes to drop."""
    return {"indexes": len(await _replaced(database))}


async def run(run: Run) -> None:
    """Drop what was replaced, and let no two sessions have one checkout."""
    for collection, name in await _replaced(run.database):
        await repository.drop_index(run.database, collection, name)
        run.add("indexes", 1)
    await run.breathe()
    for shared in await repository.grouped(run.database, "sessions", _SHARED):
        one = shared["_id"]["id"]
        updates: list[repository.Update] = [
            ({"_id": later}, {"$pull": {"checkoutIds": one}}) for later in shared["all"][1:]
        ]
        run.add("sessions", await run.update("sessions", updates))
        await run.breathe()


async def _replaced(database: Database) -> list[tuple[str, str]]:
    there = {name: await repository.indexes_of(database, name) for name in _COLLECTIONS}
    found = [(where, name) for where, name in _GONE if name in there[where]]
    one_open = there["sessions"].get("one_open_checkout")
    if one_open is not None and list(one_open["key"]) != _ONE_OPEN:
        found.append(("sessions", "one_open_checkout"))
    return found
