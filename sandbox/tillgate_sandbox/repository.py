"""Named queries on what the played providers remember."""

from datetime import datetime, timedelta

from service.core.ids import new_id
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction
from tillgate_sandbox.documents import (
    Attempt,
    SandboxCheckout,
    SandboxDelivery,
    SandboxEvent,
    SandboxKey,
    StandingChaos,
)
from tillgate_sandbox.states import CheckoutStatus

KEEP_FOR = timedelta(days=7)


async def insert_checkout(checkout: SandboxCheckout) -> bool:
    """Insert a checkout; return whether its id was free."""
    try:
        await SandboxCheckout.get_pymongo_collection().insert_one(checkout.to_row())
    except Duplicate:
        return False
    return True


async def find_checkout(checkout_id: str) -> SandboxCheckout | None:
    """Find a checkout by the provider's id."""
    return await _one({"_id": {"$eq": checkout_id}})


async def find_page(page_id: str) -> SandboxCheckout | None:
    """Find the checkout of a pay page."""
    return await _one({"pageId": {"$eq": page_id}})


async def find_by_payment(payment_id: str) -> SandboxCheckout | None:
    """Find the checkout that a payment belongs to."""
    return await _one({"payments.id": {"$eq": payment_id}})


async def find_by_object(object_id: str) -> SandboxCheckout | None:
    """Find the checkout that a refund, a dispute or a subscription belongs to."""
    return await _one({"objectIds": {"$eq": object_id}})


async def latest_checkouts(limit: int) -> list[SandboxCheckout]:
    """Return the checkouts that were opened last."""
    cursor = SandboxCheckout.get_pymongo_collection().find({}).sort("createdAt", -1).limit(limit)
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list()]


async def checkouts_of(session_id: str) -> list[SandboxCheckout]:
    """Return the checkouts that were opened for a session, oldest first."""
    cursor = SandboxCheckout.get_pymongo_collection().find({"sessionId": {"$eq": session_id}})
    rows = await cursor.sort("createdAt", 1).to_list(100)
    return [SandboxCheckout.model_validate(row) for row in rows]


async def change_checkout(before: SandboxCheckout, after: SandboxCheckout) -> bool:
    """Write a checkout if its state is still the one that was read; return whether it was."""
    return await _change(before, after, NO_TRANSACTION)


async def write_happening(
    before: SandboxCheckout,
    after: SandboxCheckout,
    events: list[SandboxEvent],
    deliveries: list[SandboxDelivery],
) -> bool:
    """Write a changed checkout with its events, or nothing; return whether it was written."""

    async def work(tx: Transaction) -> bool:
        if not await _change(before, after, tx):
            return False
        if events:
            rows = [event.to_row() for event in events]
            await SandboxEvent.get_pymongo_collection().insert_many(rows, session=tx.session)
        if deliveries:
            rows = [delivery.to_row() for delivery in deliveries]
            await SandboxDelivery.get_pymongo_collection().insert_many(rows, session=tx.session)
        return True

    return await in_transaction(work)


async def _change(before: SandboxCheckout, after: SandboxCheckout, tx: Transaction) -> bool:
    row = after.to_row() | {"version": before.version + 1}
    done = await SandboxCheckout.get_pymongo_collection().replace_one(
        {"_id": before.id, "version": before.version}, row, session=tx.session
    )
    return done.matched_count == 1


async def due_to_expire(now: datetime, limit: int) -> list[SandboxCheckout]:
    """Return open checkouts whose time is over."""
    wanted = {"status": CheckoutStatus.OPEN.value, "expiresAt": {"$lte": now}}
    cursor = SandboxCheckout.get_pymongo_collection().find(wanted).sort("expiresAt", 1)
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list(limit)]


async def refunds_due(now: datetime, limit: int) -> list[SandboxCheckout]:
    """Return checkouts with a refund that goes on by now."""
    cursor = SandboxCheckout.get_pymongo_collection().find(
        {"payments.refunds.dueAt": {"$lte": now}}
    )
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list(limit)]


async def next_refund_at() -> datetime | None:
    """Return when the next refund goes on, None if none will."""
    wanted = {"payments.refunds.dueAt": {"$type": "date"}}
    rows = await SandboxCheckout.get_pymongo_collection().find(wanted).to_list()
    checkouts = [SandboxCheckout.model_validate(row) for row in rows]
    due = [
        refund.due_at
        for checkout in checkouts
        for payment in checkout.payments
        for refund in payment.refunds
        if refund.due_at is not None
    ]
    return min(due, default=None)


async def find_event(event_id: str) -> SandboxEvent | None:
    """Find an event by its id."""
    row = await SandboxEvent.get_pymongo_collection().find_one({"_id": {"$eq": event_id}})
    return SandboxEvent.model_validate(row) if row else None


async def claim_due(now: datetime, lease: timedelta, limit: int) -> list[SandboxDelivery]:
    """Take the deliveries that are due longest, and hide them from others for a while."""
    collection = SandboxDelivery.get_pymongo_collection()
    due: Row = {"status": "pending", "dueAt": {"$lte": now}}
    found = await collection.find(due, {"_id": 1}).sort("dueAt", 1).to_list(limit)
    if not found:
        return []
    claim = new_id("claim")
    # Whom another process was quicker with is not due any more, and not matched.
    mine = due | {"_id": {"$in": [row["_id"] for row in found]}}
    await collection.update_many(mine, {"$set": {"dueAt": now + lease, "claim": claim}})
    rows = await collection.find({"claim": claim}).sort("createdAt", 1).to_list()
    return [SandboxDelivery.model_validate(row) for row in rows]


async def note_attempt(
    delivery: SandboxDelivery, attempt: Attempt, status: str, due_at: datetime
) -> None:
    """Keep how a try went, and when the next one is due."""
    await SandboxDelivery.get_pymongo_collection().update_one(
        {"_id": delivery.id},
        {
            "$push": {"attempts": attempt.model_dump(by_alias=True)},
            "$set": {"status": status, "dueAt": due_at, "drops": max(0, delivery.drops - 1)},
            "$unset": {"claim": ""},
        },
    )


async def next_due_at() -> datetime | None:
    """Return when the next delivery is due, None if nothing is on its way."""
    row = await SandboxDelivery.get_pymongo_collection().find_one(
        {"status": "pending"}, sort=[("dueAt", 1)]
    )
    return SandboxDelivery.model_validate(row).due_at if row else None


async def deliveries_of(session_id: str) -> list[SandboxDelivery]:
    """Return all deliveries about a session, oldest first."""
    cursor = SandboxDelivery.get_pymongo_collection().find({"sessionId": {"$eq": session_id}})
    rows = await cursor.sort("createdAt", 1).to_list(1000)
    return [SandboxDelivery.model_validate(row) for row in rows]


async def claim_key(key: SandboxKey, now: datetime) -> SandboxKey | None:
    """Claim an idempotency key; return the row of an earlier claim, None if there was none.

    One whose time is over is forgotten, and claimed anew.
    """
    try:
        await SandboxKey.get_pymongo_collection().insert_one(key.to_row())
    except Duplicate:
        forgotten = {"_id": key.id, "purgeAt": {"$lte": now}}
        anew = await SandboxKey.get_pymongo_collection().replace_one(forgotten, key.to_row())
        if anew.matched_count:
            return None
        row = await SandboxKey.get_pymongo_collection().find_one({"_id": key.id})
        return SandboxKey.model_validate(row) if row else None
    return None


async def keep_answer(key_id: str, status: int, answer: bytes) -> None:
    """Keep the answer that a key replays."""
    await SandboxKey.get_pymongo_collection().update_one(
        {"_id": key_id}, {"$set": {"status": status, "answer": answer}}
    )


async def release_key(key_id: str) -> None:
    """Forget a key whose call was refused before it began."""
    await SandboxKey.get_pymongo_collection().delete_one({"_id": key_id})


async def subscriptions(limit: int) -> list[SandboxCheckout]:
    """Return the checkouts that opened a subscription at Stripe, the oldest first."""
    wanted = {"provider": "stripe", "kind": "session", "request.mode": "subscription"}
    wanted["status"] = CheckoutStatus.PAID.value
    cursor = SandboxCheckout.get_pymongo_collection().find(wanted).sort("createdAt", 1)
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list(limit)]


async def standing_chaos() -> StandingChaos | None:
    """Return the standing faults, if any were set."""
    row = await StandingChaos.get_pymongo_collection().find_one({"_id": "standing"})
    return StandingChaos.model_validate(row) if row else None


async def set_standing_chaos(chaos: Row) -> None:
    """Set the standing faults."""
    await StandingChaos.get_pymongo_collection().update_one(
        {"_id": "standing"}, {"$set": {"chaos": chaos}}, upsert=True
    )


async def _one(wanted: Row) -> SandboxCheckout | None:
    row = await SandboxCheckout.get_pymongo_collection().find_one(wanted)
    return SandboxCheckout.model_validate(row) if row else None
