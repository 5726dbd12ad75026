"""1: sessions get an owner, the ids of their checkouts, and what was decided about payments.

Before: `checkouts [{ref, n, openedAt, expiresAt, url, qrCode}]`, `endedRef` beside them; attempt 1
went out as the session's id, attempt n as `{first 36 characters}-{n}`. A decision stood in the
event's row alone, a capture in the outbox alone.
"""

from collections.abc import Iterable, Mapping

from service.migrations import repository
from service.migrations.steps.checkouts import (
    attempts_of,
    checkouts_of,
    end_of_another,
    shared_attempts,
)
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import Database, Row

_OLD: Row = {"owner": {"$exists": False}}
_GONE: Row = {"$unset": {"endedRef": ""}}
_ENDED = {"completed", "canceled"}
# By whom the first line of the history is: the label of the principal.
_BROWSER = "publishable:"


async def left(database: Database) -> Counts:
    """Count the sessions without an owner."""
    return {"sessions": await repository.count(database, "sessions", _OLD)}


async def run(run: Run) -> None:
    """Add to each session what it lacks, in one update of each."""
    async for rows in repository.batches(run.database, "sessions", _OLD, BATCH):
        beside = await _beside(run.database, rows)
        shared = await shared_attempts(run.database, rows)
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": _fields(row, beside, shared), **_GONE})
            for row in rows
        ]
        run.add("sessions", await run.update("sessions", updates))
        await run.breathe()


def _fields(row: Row, beside: Mapping[str, list[Row]], shared: frozenset[str]) -> Row:
    key = f"{row['merchantId']}:{row['sessionId']}"
    told = beside.get(key, [])
    attempts = attempts_of(row)
    refs = {checkout["ref"] for checkout in row["checkouts"]}
    opening = row.get("opening")
    if opening is not None:
        # An attempt whose outcome is unknown is made again under its name, unless it is not ours.
        name = attempts.get(opening["n"])
        known = opening.get("repeated") and name not in shared
        opening = {**opening, "attemptId": name if known else None}
    return {
        "owner": _owner(row),
        "pricedBy": None,
        "decisions": _decisions(told),
        "checkouts": checkouts_of(row, told),
        "checkoutIds": sorted(refs | (set(attempts.values()) - shared)),
        "opening": opening,
        "checkoutEnded": end_of_another(row),
        "capturing": _capturing(row, told),
        "refusedCaptures": [],
        "deletableAt": None,
    }


def _owner(row: Row) -> str:
    history = row.get("history") or [{}]
    by_browser = str(history[0].get("by", "")).startswith(_BROWSER)
    return f"pk:{row['sessionId']}" if by_browser else "trusted"


def _decisions(told: Iterable[Row]) -> list[Row]:
    """Return what was decided about each payment; the last word about one, if there are several."""
    found: dict[str, Row] = {}
    for event in sorted(_events(told), key=lambda one: one["decision"]["at"]):
        decision = event["decision"]
        about, paid = _about(event)
        found[about] = {
            "paymentId": about,
            "verdict": "accepted" if decision["accepted"] else "rejected",
            "at": decision["at"],
            "paid": paid,
        }
    return list(found.values())


def _events(told: Iterable[Row]) -> list[Row]:
    return [one for one in told if one.get("decision")]


def _about(event: Row) -> tuple[str, bool]:
    facts = event.get("facts") or []
    for fact in facts:
        payment = fact.get("payment")
        if isinstance(payment, dict):
            return str(payment["providerPaymentId"]), fact.get("type") == "PaymentSucceeded"
    ref = next((fact["checkoutRef"] for fact in facts if "checkoutRef" in fact), event["_id"])
    return str(ref), False


def _capturing(row: Row, told: Iterable[Row]) -> Row | None:
    """Return the capture that is under way: asked for, and the money has not come."""
    if row["status"] in _ENDED:
        return None
    asked = [
        one
        for one in told
        if one.get("topic") == "provider.capture"
        and one["payload"]["providerPaymentId"] in row["liveAttempts"]
    ]
    if not asked:
        return None
    # What the provider was told already comes first; of others the one that was asked for first.
    first = min(asked, key=lambda one: (one["status"] != "done", one["createdAt"], one["_id"]))
    return {"paymentId": first["payload"]["providerPaymentId"], "at": first["createdAt"]}


async def _beside(database: Database, rows: list[Row]) -> dict[str, list[Row]]:
    """Return, by merchant and session, the decided events and the messages to providers."""
    wanted = {"sessionId": {"$in": [row["sessionId"] for row in rows]}}
    decided = await repository.find(
        database,
        "webhook_events",
        {**wanted, "decision": {"$ne": None}},
        ("merchantId", "sessionId", "decision", "facts"),
    )
    topics = {"$in": ["provider.capture", "provider.close_checkout"]}
    messages = await repository.find(database, "outbox", {**wanted, "topic": topics})
    found: dict[str, list[Row]] = {}
    for one in (*decided, *messages):
        found.setdefault(f"{one['merchantId']}:{one['sessionId']}", []).append(one)
    return found
