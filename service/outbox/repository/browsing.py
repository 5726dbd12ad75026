"""Named queries on deliveries by which people look at them and have them made again."""

from datetime import timedelta

from service.core.clock import Clock
from service.core.paging import Cursor
from service.leases.expressions import ends, free
from service.outbox.documents import Delivery, OutboxMessage
from service.storage.database import Row
from service.storage.paging import newest_first
from service.storage.transaction import Transaction


async def page(
    wanted: Row, *, cursor: Cursor | None, limit: int
) -> tuple[list[Delivery], Cursor | None]:
    """Return a page of deliveries, newest first, and where the next one begins."""
    collection = Delivery.get_pymongo_collection()
    rows, following = await newest_first(
        collection, wanted, by="createdAt", cursor=cursor, limit=limit
    )
    return [Delivery.model_validate(row) for row in rows], following


async def find_delivery(delivery_id: str, merchant_id: str | None) -> Delivery | None:
    """Return a delivery, of one merchant or, for None, of any."""
    wanted: Row = {"_id": delivery_id}
    if merchant_id is not None:
        wanted["merchantId"] = merchant_id
    row = await Delivery.get_pymongo_collection().find_one(wanted)
    return Delivery.model_validate(row) if row else None


async def make_due(
    delivery: Delivery, give_up_after: timedelta, keep_for: timedelta, clock: Clock, tx: Transaction
) -> bool:
    """Let a delivery be tried now, and its message be kept for it.

    Returns False where somebody is at it just now, or has been since it was read.
    """
    now = clock.in_database()
    kept = {"$max": ["$purgeAt", ends(keep_for, clock)]}
    change = {
        "status": "pending",
        "claim": None,
        "nextAttemptAt": {"$add": [now, 0]},
        "giveUpAt": ends(give_up_after, clock),
        "doneAt": None,
        "purgeAt": kept,
    }
    nobody_is_at_it = {"$or": [{"claim": None}, {"$expr": free("nextAttemptAt", clock)}]}
    # Each try raises `attempts`: two that were asked for at once are one.
    as_read = {"_id": delivery.id, "status": delivery.status, "attempts": delivery.attempts}
    done = await Delivery.get_pymongo_collection().update_one(
        as_read | nobody_is_at_it, [{"$set": change}], session=tx.session
    )
    return done.matched_count == 1


async def keep_message(
    delivery: Delivery, keep_for: timedelta, clock: Clock, tx: Transaction
) -> bool:
    """Keep the message of a delivery that is made again; return whether it is there.

    Also one that was done by another way is delivered then. One that is not dispatched stays so:
    who was dispatching it may have died before all its deliveries were there.
    """
    change = {
        "status": {"$cond": [{"$eq": ["$status", "done"]}, "dispatched", "$status"]},
        "purgeAt": {"$max": ["$purgeAt", ends(keep_for, clock)]},
    }
    done = await OutboxMessage.get_pymongo_collection().update_one(
        {"_id": delivery.message_id}, [{"$set": change}], session=tx.session
    )
    return done.matched_count == 1
