"""Named queries on what the played providers remember."""

from datetime import datetime, timedelta

from pymongo import ReturnDocument

from service.sandbox.documents import (
    Attempt,
    SandboxCheckout,
    SandboxDelivery,
    SandboxEvent,
    SandboxKey,
    StandingChaos,
)
from service.storage.database import Row
from service.storage.transactions import Duplicate

KEEP_FOR = timedelta(days=7)


async def insert_checkout(checkout: SandboxCheckout) -> bool:
    """Insert a checkout; tell whether its id was free."""
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


async def find_by_request(provider: str, field: str, value: str) -> list[SandboxCheckout]:
    """Find checkouts by a parameter that they were opened with (`receipt`, `reference_id`)."""
    wanted = {"provider": provider, f"request.{field}": {"$eq": value}}
    cursor = SandboxCheckout.get_pymongo_collection().find(wanted).sort("createdAt", -1)
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list(20)]


async def latest_checkouts(limit: int) -> list[SandboxCheckout]:
    """Give the checkouts that were opened last."""
    cursor = SandboxCheckout.get_pymongo_collection().find({}).sort("createdAt", -1).limit(limit)
    return [SandboxCheckout.model_validate(row) for row in await cursor.to_list()]


async def change_checkout(before: SandboxCheckout, after: SandboxCheckout) -> bool:
    """Write a checkout if its state is still the one that was read; tell whether it was."""
    fields = after.to_row()
    done = await SandboxCheckout.get_pymongo_collection().replace_one(
        {"_id": before.id, "status": before.status.value, "updatedAt": before.updated_at}, fields
    )
    return done.matched_count == 1


async def insert_event(event: SandboxEvent) -> None:
    """Keep an event; the same one again is no other."""
    row = event.to_row()
    await SandboxEvent.get_pymongo_collection().update_one(
        {"_id": row.pop("_id")}, {"$setOnInsert": row}, upsert=True
    )


async def list_events(
    provider: str, since: datetime | None, kinds: list[str], limit: int
) -> list[SandboxEvent]:
    """List a provider's events, newest first."""
    wanted: Row = {"provider": provider}
    wanted |= {"createdAt": {"$gte": since}} if since else {}
    wanted |= {"type": {"$in": kinds}} if kinds else {}
    cursor = SandboxEvent.get_pymongo_collection().find(wanted).sort("createdAt", -1).limit(limit)
    return [SandboxEvent.model_validate(row) for row in await cursor.to_list()]


async def insert_deliveries(deliveries: list[SandboxDelivery]) -> None:
    """Put webhooks on their way."""
    if deliveries:
        rows = [delivery.to_row() for delivery in deliveries]
        await SandboxDelivery.get_pymongo_collection().insert_many(rows)


async def claim_delivery(now: datetime, lease: timedelta) -> SandboxDelivery | None:
    """Take the delivery that is due longest, and hide it from others for a while."""
    row = await SandboxDelivery.get_pymongo_collection().find_one_and_update(
        {"status": "pending", "dueAt": {"$lte": now}},
        {"$set": {"dueAt": now + lease}},
        sort=[("dueAt", 1)],
        return_document=ReturnDocument.AFTER,
    )
    return SandboxDelivery.model_validate(row) if row else None


async def note_attempt(
    delivery: SandboxDelivery, attempt: Attempt, status: str, due_at: datetime
) -> None:
    """Keep how a try went, and when the next one is due."""
    await SandboxDelivery.get_pymongo_collection().update_one(
        {"_id": delivery.id},
        {
            "$push": {"attempts": attempt.model_dump(by_alias=True)},
            "$set": {"status": status, "dueAt": due_at, "drops": max(0, delivery.drops - 1)},
        },
    )


async def deliveries_of(session_id: str) -> list[SandboxDelivery]:
    """Give all deliveries about a session, oldest first."""
    cursor = SandboxDelivery.get_pymongo_collection().find({"sessionId": {"$eq": session_id}})
    rows = await cursor.sort("createdAt", 1).to_list(1000)
    return [SandboxDelivery.model_validate(row) for row in rows]


async def count_pending() -> int:
    """Count the deliveries that are still on their way."""
    return await SandboxDelivery.get_pymongo_collection().count_documents({"status": "pending"})


async def claim_key(key: SandboxKey) -> SandboxKey | None:
    """Claim an idempotency key; give the row of an earlier claim, None if there was none."""
    try:
        await SandboxKey.get_pymongo_collection().insert_one(key.to_row())
    except Duplicate:
        row = await SandboxKey.get_pymongo_collection().find_one({"_id": key.id})
        return SandboxKey.model_validate(row) if row else None
    return None


async def keep_answer(key_id: str, status: int, answer: bytes) -> None:
    """Keep the answer that a key replays."""
    await SandboxKey.get_pymongo_collection().update_one(
        {"_id": key_id}, {"$set": {"status": status, "answer": answer}}
    )


async def standing_chaos() -> StandingChaos | None:
    """Give the standing faults, if any were set."""
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
