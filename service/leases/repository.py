"""Named queries on leases: one update each, by the database's clock."""

from datetime import timedelta

from msgspec import Struct
from pymongo import ReturnDocument

from service.core.clock import Clock
from service.leases.documents import Lease
from service.leases.expressions import ends, free, held
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


class Held(Struct, frozen=True):
    """A lease as its holder has it; `fence` tells it from all that there were and will be."""

    name: str
    holder: str
    fence: int
    span: timedelta
    clock: Clock


async def claim(name: str, holder: str, span: timedelta, clock: Clock) -> Held | None:
    """Take a lease that nobody holds, with the next fence; None where somebody does.

    The filter is the name alone, since an upsert admits no expression: what is held is left as it
    is. Of two first ones at once the later finds the row of the other when it tries again.
    """
    take: list[Row] = [
        {"$set": {"free": free("until", clock)}},
        {
            "$set": {
                "holder": _if_free(holder, "$holder"),
                "fence": _if_free({"$add": [{"$ifNull": ["$fence", 0]}, 1]}, "$fence"),
                "until": _if_free(ends(span, clock), "$until"),
            }
        },
        {"$unset": "free"},
    ]
    leases = Lease.get_pymongo_collection()
    try:
        row = await leases.find_one_and_update(
            {"_id": name}, take, upsert=True, return_document=ReturnDocument.AFTER
        )
    except Duplicate:
        row = await leases.find_one_and_update(
            {"_id": name}, take, return_document=ReturnDocument.AFTER
        )
    if row is None or row["holder"] != holder:
        return None
    return Held(name, holder, row["fence"], span, clock)


async def renew(lease: Held, tx: Transaction = NO_TRANSACTION) -> bool:
    """Hold a lease for its whole time from now on; return whether it was still held.

    A transaction that does so commits only if nobody takes the lease over before: it has written
    the row. To look at the row alone would be to look at a snapshot; and an update that changes
    nothing, as one within the same millisecond, is no write: hence the count.
    """
    done = await Lease.get_pymongo_collection().update_one(
        {**_its(lease), "$expr": held("until", lease.clock)},
        [
            {
                "$set": {
                    "until": ends(lease.span, lease.clock),
                    "renewals": {"$add": [{"$ifNull": ["$renewals", 0]}, 1]},
                }
            }
        ],
        session=tx.session,
    )
    return done.matched_count == 1


async def fence_of(name: str, clock: Clock) -> int | None:
    """Return the fence under which a lease is held; None where nobody holds it."""
    wanted = {"_id": name, "$expr": held("until", clock)}
    row = await Lease.get_pymongo_collection().find_one(wanted, {"fence": 1})
    return row["fence"] if row else None


async def names_held(beginning: str, clock: Clock) -> list[str]:
    """Return the names of the leases that are held and whose name begins so."""
    within = {"$gte": beginning, "$lt": f"{beginning}\U0010ffff"}
    wanted: Row = {"_id": within, "$expr": held("until", clock)}
    rows = await Lease.get_pymongo_collection().find(wanted, {"_id": 1}).to_list()
    return [row["_id"] for row in rows]


async def release(lease: Held) -> None:
    """End a lease that is still its holder's."""
    await Lease.get_pymongo_collection().update_one(
        _its(lease), [{"$set": {"until": lease.clock.in_database(), "holder": None}}]
    )


def _if_free(then: object, otherwise: object) -> Row:
    return {"$cond": ["$free", then, otherwise]}


def _its(lease: Held) -> Row:
    return {"_id": lease.name, "holder": lease.holder, "fence": lease.fence}
