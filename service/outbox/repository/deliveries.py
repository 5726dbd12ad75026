"""Named queries on deliveries: claim those of a lane, and keep how they went."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct
from pymongo import UpdateMany, UpdateOne

from service.core.clock import Clock
from service.leases.expressions import ends, free
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.repository.messages import pending
from service.storage.database import BY_ID, DatabaseTime, Row


class Look(Struct, frozen=True):
    """What there is to do: whether a message waits to be dispatched, and in which lanes is what."""

    undispatched: bool
    lanes: tuple[str, ...]


class Claimed(Struct, frozen=True):
    """Deliveries of one lane that nobody else takes before the lease ends."""

    claim: str
    deliveries: Sequence[Delivery]


class Failed(Struct, frozen=True):
    """A delivery that failed: why, and how long it waits now."""

    delivery: Delivery
    error: str
    wait: timedelta


async def look(clock: Clock, after: DatabaseTime | None) -> Look:
    """Return what there is to do now: one query, however much waits.

    Of messages, those count that were written after some time.
    """
    oldest = {"_id": "$lane", "due": {"$first": "$nextAttemptAt"}}
    undispatched: list[Row] = [
        {"$match": pending(after)},
        {"$limit": 1},
        {"$project": {"_id": {"$literal": None}}},
    ]
    found = await Delivery.get_pymongo_collection().aggregate(
        [
            {"$match": {"status": "pending"}},
            {"$sort": {"lane": 1, "nextAttemptAt": 1}},
            {"$group": oldest},
            {"$match": {"$expr": free("due", clock)}},
            {"$sort": {"due": 1}},
            {"$unionWith": {"coll": OutboxMessage.collection_name(), "pipeline": undispatched}},
        ]
    )
    lanes = [row["_id"] for row in await found.to_list()]
    waiting = None in lanes
    return Look(waiting, tuple(lane for lane in lanes if lane is not None))


async def claim(lane: str, limit: int, lease: timedelta, clock: Clock) -> Claimed | None:
    """Take what is due longest in a lane, and hide it from others for the lease."""
    deliveries = Delivery.get_pymongo_collection()
    due = _due(clock) | {"lane": lane}
    rows = await deliveries.find(due).sort("nextAttemptAt", 1).limit(limit).to_list()
    if not rows:
        return None
    name, ids = secrets.token_hex(8), [row["_id"] for row in rows]
    change = {
        "claim": name,
        "nextAttemptAt": ends(lease, clock),
        "attempts": {"$add": ["$attempts", 1]},
    }
    wanted = due | {"_id": {"$in": ids}}
    done = await deliveries.update_many(wanted, [{"$set": change}], hint=BY_ID)
    if done.modified_count < len(rows):  # another has taken some of them in between
        taken = deliveries.find({"_id": {"$in": ids}, "claim": name}, {"_id": 1})
        ours = {row["_id"] for row in await taken.to_list()}
        rows = [row for row in rows if row["_id"] in ours]
    claimed = [row | {"claim": name, "attempts": row["attempts"] + 1} for row in rows]
    return Claimed(name, [Delivery.model_validate(row) for row in claimed])


async def keep(
    claimed: Claimed,
    *,
    done: Sequence[Delivery],
    failed: Sequence[Failed],
    untouched: Sequence[Delivery],
    clock: Clock,
) -> None:
    """Keep how deliveries went; of what another has taken since, nothing. One command."""
    writes: list[UpdateMany | UpdateOne] = []
    now = clock.in_database()
    if done:
        change: Row = {"status": "done", "doneAt": now, "claim": None, "error": None}
        writes.append(UpdateMany(_ours(claimed, done), [{"$set": change}], hint=BY_ID))
    if untouched:
        back = {"claim": None, "nextAttemptAt": now, "attempts": {"$subtract": ["$attempts", 1]}}
        writes.append(UpdateMany(_ours(claimed, untouched), [{"$set": back}], hint=BY_ID))
    for one in failed:
        given_up = {"$cond": [{"$lt": ["$giveUpAt", now]}, "dead", "pending"]}
        change = {
            "status": given_up,
            "claim": None,
            "error": {"$literal": one.error},
            "nextAttemptAt": ends(one.wait, clock),
        }
        writes.append(UpdateOne(_ours(claimed, [one.delivery]), [{"$set": change}]))
    if writes:
        await Delivery.get_pymongo_collection().bulk_write(writes, ordered=False)


async def count_due(clock: Clock) -> int:
    """Count the deliveries that are due."""
    return await Delivery.get_pymongo_collection().count_documents(_due(clock))


def _due(clock: Clock) -> Row:
    return {"status": "pending", "$expr": free("nextAttemptAt", clock)}


def _ours(claimed: Claimed, deliveries: Sequence[Delivery]) -> Row:
    ids = [one.id for one in deliveries]
    return {"_id": {"$in": ids}, "claim": claimed.claim, "status": "pending"}
