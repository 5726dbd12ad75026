"""2: settlements by hand are keyed `hand:{merchantId}:{sessionId}`, and payments have aliases.

A payment also tells when its session was opened, whose id another one may take once it is purged.
Before: `hand:{sessionId}` for the default merchant; and where somebody named a provider's id, that
id was the key, as if the provider had told of it.
"""

from datetime import datetime

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"aliases": {"$exists": False}}
_KEY = ("provider", "account", "providerPaymentId")


async def left(database: Database) -> Counts:
    """Count the payments without aliases."""
    return {"payments": await repository.count(database, "payments", _OLD)}


async def run(run: Run) -> None:
    """Key what was settled by hand anew, in the session first: the payment tells what is left."""
    async for rows in repository.batches(run.database, "payments", _OLD, BATCH):
        told_of = await _told_of(run.database, rows)
        opened = await _opened(run.database, rows)
        changed = {
            row["_id"]: _fields(row, told_of) | {"sessionOpenedAt": opened.get(_session(row))}
            for row in rows
        }
        sessions: list[repository.Update] = [
            (
                {
                    "merchantId": row["merchantId"],
                    "sessionId": row["sessionId"],
                    "providerPaymentId": row["providerPaymentId"],
                },
                {"$set": {"providerPaymentId": changed[row["_id"]]["providerPaymentId"]}},
            )
            for row in rows
            if "providerPaymentId" in changed[row["_id"]]
        ]
        run.add("sessions", await run.update("sessions", sessions))
        payments: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": changed[row["_id"]]}) for row in rows
        ]
        run.add("payments", await run.update("payments", payments))
        await run.breathe()


def _fields(row: Row, told_of: set[tuple[str, ...]]) -> Row:
    """Return what a payment lacks; its new key where a person and no provider told of it."""
    paid = row["providerPaymentId"]
    by_hand = row.get("paymentMethod") == "hand" and row.get("sessionId") is not None
    if not by_hand or _key(row) in told_of:
        return {"aliases": []}
    key = f"hand:{row['merchantId']}:{row['sessionId']}"
    if paid == key:
        return {"aliases": []}
    named = [] if paid.startswith("hand:") else [paid]
    return {"aliases": named, "providerPaymentId": key}


async def _opened(database: Database, rows: list[Row]) -> dict[tuple[object, ...], datetime]:
    """Return when the sessions of some payments were opened, as far as they are there."""
    wanted = {"sessionId": {"$in": [row["sessionId"] for row in rows if row.get("sessionId")]}}
    names = ("merchantId", "sessionId", "createdAt")
    found = await repository.find(database, "sessions", wanted, names)
    return {_session(row): row["createdAt"] for row in found}


def _session(row: Row) -> tuple[object, ...]:
    return row["merchantId"], row.get("sessionId")


async def _told_of(database: Database, rows: list[Row]) -> set[tuple[str, ...]]:
    """Return the keys of those that somebody named by hand and that a provider told of as well."""
    named = [row["providerPaymentId"] for row in rows if row.get("paymentMethod") == "hand"]
    named = [one for one in named if not one.startswith("hand:")]
    if not named:
        return set()
    field = "facts.payment.providerPaymentId"
    wanted = {field: {"$in": named}}
    events = await repository.find(
        database, "webhook_events", wanted, ("provider", "account", "facts")
    )
    return {
        (event["provider"], event["account"], str(fact["payment"]["providerPaymentId"]))
        for event in events
        for fact in event["facts"]
        if isinstance(fact.get("payment"), dict)
    }


def _key(row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in _KEY)
