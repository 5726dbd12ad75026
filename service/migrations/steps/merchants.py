"""5: each merchant has a document; before, it was a name that stood in others.

There are those that anything belongs to, and the one of the environment's keys. What is known of
them is their id: their zone is UTC, and all else is as the settings have it.
"""

from datetime import UTC, datetime

from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database, Row

_FIRST = "default"
# Whatever else a merchant has began with a key, a session or an audited act.
_NAMED_IN = ("api_keys", "sessions", "payments", "prices", "coupons", "audit_log")


async def left(database: Database) -> Counts:
    """Count the merchants without a document."""
    return {"merchants": len(await _missing(database))}


async def run(run: Run) -> None:
    """Make the documents; one that is there stays as it is."""
    missing = {_FIRST, *await _missing(run.database)}
    made = await run.insert_missing("merchants", [_row(one) for one in sorted(missing)])
    if made:
        run.add("merchants", made)


def _row(merchant_id: str) -> Row:
    now = datetime.now(UTC)
    return {
        "_id": merchant_id,
        "name": merchant_id,
        "zone": "UTC",
        "defaultCurrency": None,
        "mailSender": None,
        "logo": None,
        "returnOrigins": [],
        "suspended": None,
        "createdAt": now,
        "updatedAt": now,
    }


async def _missing(database: Database) -> set[str]:
    named: set[str] = set()
    for collection in _NAMED_IN:
        named |= {*await repository.merchants(database, collection)}
    there = await repository.find(database, "merchants", {}, ("_id",))
    return named - {row["_id"] for row in there}
