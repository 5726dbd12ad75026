"""3: an event of Razorpay's is known by the hash of its body.

Before: `_id` ended in the event id of a header that the signature does not cover, so that one body
could have several rows. They become one: the one that was decided or done.
"""

import hashlib
from collections.abc import Mapping
from functools import partial

from service.leases.operations import under
from service.migrations import repository
from service.migrations.steps.step import Counts, Run
from service.storage.database import Database, Row
from service.storage.transaction import Transaction

_OLD: Row = {"doubts": {"$exists": False}}
# A payload may have 256 kB, and all of a batch go into one transaction.
_BATCH = 50
_BATCH_WITHIN_S = 60.0
_DONE = ("processed", "review", "ignored", "dead", "failed", "parked")


async def left(database: Database) -> Counts:
    """Count the events without doubts."""
    return {"events": await repository.count(database, "webhook_events", _OLD)}


async def run(run: Run) -> None:
    """Set for each event its id, and what it lacks."""
    async for rows in repository.batches(run.database, "webhook_events", _OLD, _BATCH):
        renamed = {row["_id"]: new for row in rows if (new := new_id(row)) != row["_id"]}
        if renamed:
            work = partial(_rename, run.database, rows, renamed)
            removed = await under(run.lease, work, _BATCH_WITHIN_S)
            run.add("renamed", len(renamed))
            run.add("copies removed", removed)
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": {"providerEventId": None, **_fields(row)}})
            for row in rows
            if row["_id"] not in renamed
        ]
        run.add("events", await run.update("webhook_events", updates))
        await run.breathe()


def new_id(row: Row) -> str:
    """Return the id that an event has now."""
    inbox_id, event_id = str(row["_id"]), row["eventId"]
    ours = row["provider"] != "razorpay" or row.get("source", "webhook") != "webhook"
    if ours or not inbox_id.endswith(f":{event_id}"):
        return inbox_id
    return inbox_id[: -len(event_id)] + hashlib.sha256(row["payload"]).hexdigest()


async def _rename(
    database: Database, rows: list[Row], renamed: Mapping[str, str], tx: Transaction
) -> int:
    """Write the rows under their new ids, with all that names them; return how many coincided."""
    ids = [*renamed, *renamed.values()]
    present = await repository.find_in(tx, database, "webhook_events", ids)
    made: dict[str, Row] = {}
    for row in rows:
        if row["_id"] in renamed:
            new = renamed[row["_id"]]
            kept = _better(made.get(new) or present.get(new), row)
            made[new] = kept | _fields(kept) | {"_id": new, "eventId": new.rpartition(":")[2]}
    fell_together = len(renamed) + sum(new in present for new in made) - len(made)
    await repository.exchange(tx, database, "webhook_events", list(renamed), list(made.values()))
    await repository.update_in(tx, database, "sessions", _named(rows, renamed))
    for row in made.values():
        if row["decision"] is not None:
            await _name_another(database, row, tx)
    return fell_together


def _fields(row: Row) -> Row:
    """Return what an event lacks."""
    decision = row.get("decision")
    if decision is not None:
        verdict = "accepted" if decision["accepted"] else "rejected"
        decision = {**decision, "verdict": verdict, "awaiting": False}
    lacking = {"doubts": row.get("doubts", []), "learned": None, "cut": None, "deletableAt": None}
    return {"decision": decision, **lacking}


def _better(known: Row | None, row: Row) -> Row:
    """Return the row to keep of two of one body, as received first."""
    told = row | {"providerEventId": row.get("providerEventId") or row["eventId"]}
    if known is None:
        return told
    first = min(known, told, key=lambda one: (one["receivedAt"], str(one["providerEventId"])))
    kept = min(known, told, key=lambda one: (one["decision"] is None, _DONE.index(one["status"])))
    return kept | {name: first[name] for name in ("receivedAt", "providerEventId")}


def _named(rows: list[Row], renamed: Mapping[str, str]) -> list[repository.Update]:
    """Make the updates of sessions that name an event, in their review and their history."""
    updates: list[repository.Update] = []
    for row in rows:
        old, new = row["_id"], renamed.get(row["_id"])
        if new is None or row.get("sessionId") is None:
            continue
        session = _session_of(row)
        updates.append(({**session, "review.eventId": old}, {"$set": {"review.eventId": new}}))
        moves: Row = {"$map": {"input": "$history", "as": "move", "in": _replaced(old, new)}}
        updates.append(({**session, "history.eventId": old}, [{"$set": {"history": moves}}]))
    return updates


def _replaced(old: str, new: str) -> Row:
    changed = {"$mergeObjects": ["$$move", {"eventId": new}]}
    return {"$cond": [{"$eq": ["$$move.eventId", old]}, changed, "$$move"]}


async def _name_another(database: Database, row: Row, tx: Transaction) -> None:
    """Let a session name its next open review instead of a copy of one that is decided."""
    if row.get("sessionId") is None:
        return
    session = _session_of(row)
    waiting = {**session, "status": "review", "decision": None}
    following = await repository.first_in(tx, database, "webhook_events", waiting)
    review = following and {
        "reason": following["reason"],
        "eventId": following["_id"],
        "at": following["receivedAt"],
    }
    names_it = {**session, "review.eventId": row["_id"]}
    await repository.update_in(tx, database, "sessions", [(names_it, {"$set": {"review": review}})])


def _session_of(row: Row) -> Row:
    return {"merchantId": row["merchantId"], "sessionId": row["sessionId"]}
