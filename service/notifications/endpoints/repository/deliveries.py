"""Named queries on deliveries: made once, claimed over all endpoints at once, kept by one command.

What is due is taken by two commands for hundreds of endpoints, so that a thousand of them need no
command each.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from pymongo import UpdateMany, UpdateOne

from service.core.clock import Clock
from service.core.lateness import LATE_AFTER
from service.core.paging import Cursor
from service.leases.expressions import ends, free
from service.notifications.endpoints.documents import Try, WebhookDelivery
from service.notifications.endpoints.states import DeliveryStatus
from service.storage.answering import Duplicate
from service.storage.database import BY_ID, Row
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.queue import Limits
from service.storage.paging import Walk, read_page
from service.storage.transaction import Transaction

INSERTS = GroupInsert(
    lambda: WebhookDelivery.get_pymongo_collection(), limits=Limits(items=128, lanes=2)
)

MOST_ATTEMPTS = 30
"""How many attempts of a delivery are kept: the latest."""


class Claimed(Struct, frozen=True):
    """A delivery that nobody else takes before the lease ends."""

    id: str
    merchant_id: str
    endpoint_id: str
    event_id: str
    body: str
    lane: str | None
    tries: int
    claim: str
    due_at: datetime


class Kept(Struct, frozen=True):
    """What is kept of a try: where the delivery stands now and, while it waits, for how long.

    `tried` is None where there was no try.
    """

    claimed: Claimed
    tried: Row | None
    status: DeliveryStatus
    wait: timedelta | None = None


async def insert_missing(row: Row) -> bool:
    """Insert a delivery unless it is there; return whether it was not. Raises `Unavailable`."""
    try:
        await INSERTS.insert(row)
    except Duplicate:
        return False
    return True


async def claim(
    limit: int, busy: Collection[str], lease: timedelta, clock: Clock, after: datetime | None = None
) -> Sequence[Claimed]:
    """Take what is due longest, of whatever endpoint, but for those that have enough to do.

    Of a lane only the first is taken: those behind it look again soon. With `after` it is looked
    for among what is due since then: in front of it MongoDB keeps, for five minutes, whatever was
    taken, and would go through all of that.
    """
    rows = WebhookDelivery.get_pymongo_collection()
    due = _due(clock) | ({"endpointId": {"$nin": sorted(busy)}} if busy else {})
    if after is not None:
        due["nextAttemptAt"] = {"$gte": after}
    found = rows.find(due, _CLAIMED).sort("nextAttemptAt", 1).limit(limit)
    taken = await found.to_list()
    behind = await _behind(taken)
    if behind:
        await put_off(sorted(behind), _BEHIND_WAITS, clock)
        taken = [row for row in taken if row["_id"] not in behind]
    if not taken:
        return ()
    name, ids = secrets.token_hex(8), [row["_id"] for row in taken]
    change: Row = {"claim": name, "nextAttemptAt": ends(lease, clock)}
    wanted = _due(clock) | {"_id": {"$in": ids}}
    done = await rows.update_many(wanted, [{"$set": change}], hint=BY_ID)
    if done.modified_count < len(taken):  # another has taken some of them in between
        ours = rows.find({"_id": {"$in": ids}, "claim": name}, {"_id": 1})
        own = {row["_id"] for row in await ours.to_list()}
        taken = [row for row in taken if row["_id"] in own]
    return [_claimed(row, name) for row in taken]


_BEHIND_WAITS = timedelta(seconds=2)
_CLAIMED = dict.fromkeys(
    ("merchantId", "endpointId", "eventId", "body", "lane", "place", "tries", "nextAttemptAt"), 1
)


async def _behind(found: Sequence[Row]) -> set[str]:
    """Return which of some rows are not the first of their lane."""
    lanes = {row["lane"] for row in found if row["lane"] is not None}
    if not lanes:
        return set()
    waiting = WebhookDelivery.get_pymongo_collection().find(
        {"lane": {"$in": sorted(lanes)}, "status": "pending"}, {"lane": 1, "place": 1}
    )
    first: dict[str, str] = {}
    for row in await waiting.sort([("lane", 1), ("place", 1)]).to_list():
        first.setdefault(row["lane"], row["_id"])
    return {row["_id"] for row in found if first.get(row["lane"], row["_id"]) != row["_id"]}


async def put_off(ids: Sequence[str], wait: timedelta, clock: Clock) -> None:
    """Have deliveries that nobody has taken wait, without a try."""
    await WebhookDelivery.get_pymongo_collection().update_many(
        _due(clock) | {"_id": {"$in": list(ids)}},
        [{"$set": {"nextAttemptAt": ends(wait, clock)}}],
    )


async def give_back(claimed: Sequence[Claimed], wait: timedelta, clock: Clock) -> None:
    """Return claimed deliveries untried, to be taken after a wait."""
    by_claim: dict[str, list[str]] = {}
    for one in claimed:
        by_claim.setdefault(one.claim, []).append(one.id)
    for name, ids in by_claim.items():
        await WebhookDelivery.get_pymongo_collection().update_many(
            {"_id": {"$in": ids}, "claim": name, "status": "pending"},
            [{"$set": {"nextAttemptAt": ends(wait, clock), "claim": None}}],
        )


async def keep(kept: Sequence[Kept], clock: Clock) -> None:
    """Keep how tries went, of what nobody else has taken since: one command.

    Those that were taken by their endpoints are one change for each claim: a change for each of
    them costs mongod three times as much. What waits behind one that is done, in its lane, is due
    at once.
    """
    delivered: dict[str, dict[str, Row]] = {}
    writes: list[UpdateOne | UpdateMany] = []
    for one in kept:
        if one.status is DeliveryStatus.DELIVERED and one.tried is not None:
            tried = Try.new_row(one.tried)
            delivered.setdefault(one.claimed.claim, {})[one.claimed.id] = tried
        else:
            writes.append(_kept(one, clock))
    writes += [_delivered(name, tries, clock) for name, tries in delivered.items()]
    over = sorted(
        {
            one.claimed.lane
            for one in kept
            if one.claimed.lane is not None and one.status is not DeliveryStatus.PENDING
        }
    )
    if over:
        wake: Row = {"nextAttemptAt": clock.in_database()}
        behind = {"lane": {"$in": over}, "status": "pending", "claim": None, "tries": 0}
        writes.append(UpdateMany(behind, [{"$set": wake}]))
    if writes:
        # In their order: what is behind is woken last.
        await WebhookDelivery.get_pymongo_collection().bulk_write(writes, ordered=bool(over))


def _delivered(claim: str, tries: Mapping[str, Row], clock: Clock) -> UpdateMany:
    """Return the change of what was delivered under a claim: each row finds its try by its id."""
    ids, tried = list(tries), list(tries.values())
    own = {"$arrayElemAt": [{"$literal": tried}, {"$indexOfArray": [{"$literal": ids}, "$_id"]}]}
    now = clock.now()
    fields: Row = {
        "status": "delivered",
        "claim": None,
        "doneAt": now,
        "recount": {"$or": ["$recount", {"$lt": ["$createdAt", now - LATE_AFTER]}]},
        "tries": {"$add": ["$tries", 1]},
        "attempts": {"$slice": [{"$concatArrays": ["$attempts", [own]]}, -MOST_ATTEMPTS]},
    }
    ours = {"_id": {"$in": ids}, "claim": claim, "status": "pending"}
    return UpdateMany(ours, [{"$set": fields}], hint=BY_ID)


def _kept(one: Kept, clock: Clock) -> UpdateOne:
    ours = {"_id": one.claimed.id, "claim": one.claimed.claim, "status": "pending"}
    fields: Row = {"claim": None}
    if one.wait is None:
        fields |= {"status": one.status.value, "doneAt": clock.now(), "recount": True}
    if one.tried is None:
        return UpdateOne(ours, {"$set": fields})
    fields["tries"] = one.claimed.tries + 1
    tried = Try.new_row(one.tried)
    if one.wait is None:
        pushed = {"attempts": {"$each": [tried], "$slice": -MOST_ATTEMPTS}}
        return UpdateOne(ours, {"$set": fields, "$push": pushed})
    grown = {"$concatArrays": ["$attempts", [{"$literal": tried}]]}
    fields["attempts"] = {"$slice": [grown, -MOST_ATTEMPTS]}
    fields["nextAttemptAt"] = ends(one.wait, clock)
    return UpdateOne(ours, [{"$set": fields}])


class Waiting(Struct, frozen=True):
    """Some of what waits for an endpoint; what else does is due no sooner than `until`."""

    ids: Sequence[str]
    until: datetime


async def waiting_for(endpoint_id: str, since: datetime, limit: int) -> Waiting | None:
    """Return what waits for an endpoint and is due from a time on, soonest first; None: nothing."""
    rows = WebhookDelivery.get_pymongo_collection()
    wanted = {"endpointId": endpoint_id, "status": "pending", "nextAttemptAt": {"$gte": since}}
    found = rows.find(wanted, {"nextAttemptAt": 1}, hint="pending_nextAttemptAt")
    some = await found.sort("nextAttemptAt", 1).limit(limit).to_list()
    return Waiting([row["_id"] for row in some], some[-1]["nextAttemptAt"]) if some else None


async def cancel(ids: Sequence[str], now: datetime) -> None:
    """Cancel those of some deliveries that wait."""
    await WebhookDelivery.get_pymongo_collection().update_many(
        {"_id": {"$in": list(ids)}, "status": "pending"},
        {"$set": {"status": "canceled", "claim": None, "doneAt": now, "recount": True}},
        hint=BY_ID,
    )


async def make_due(
    delivery_id: str, endpoint_id: str, purge_at: datetime, clock: Clock, tx: Transaction
) -> bool:
    """Have a delivery sent again at once, whatever became of it; False where there is none."""
    fields: Row = {
        "status": "pending",
        "tries": 0,
        "claim": None,
        "doneAt": None,
        "nextAttemptAt": clock.in_database(),
        "purgeAt": purge_at,
        "recount": True,
    }
    done = await WebhookDelivery.get_pymongo_collection().update_one(
        {"_id": {"$eq": delivery_id}, "endpointId": endpoint_id},
        [{"$set": fields}],
        session=tx.session,
    )
    return done.matched_count == 1


async def page(
    endpoint_id: str, status: DeliveryStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[WebhookDelivery], Cursor | None]:
    """Return a page of an endpoint's deliveries, newest first."""
    walk = Walk(
        wanted={"endpointId": endpoint_id},
        by="createdAt",
        also={} if status is None else {"status": status.value},
        index="endpoint_createdAt",
    )
    collection = WebhookDelivery.get_pymongo_collection()
    rows, following = await read_page(collection, walk, cursor=cursor, limit=limit)
    return [WebhookDelivery.model_validate(row) for row in rows], following


async def find(delivery_id: str) -> WebhookDelivery | None:
    """Find a delivery by its id."""
    row = await WebhookDelivery.get_pymongo_collection().find_one({"_id": {"$eq": delivery_id}})
    return WebhookDelivery.model_validate(row) if row else None


def _due(clock: Clock) -> Row:
    return {"status": "pending", "$expr": free("nextAttemptAt", clock)}


def _claimed(row: Row, name: str) -> Claimed:
    return Claimed(
        id=row["_id"],
        merchant_id=row["merchantId"],
        endpoint_id=row["endpointId"],
        event_id=row["eventId"],
        body=row["body"],
        lane=row["lane"],
        tries=row["tries"],
        claim=name,
        due_at=row["nextAttemptAt"],
    )
