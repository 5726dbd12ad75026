"""Named queries on reviews: events that wait for a person's decision."""

from datetime import datetime

from service.inbox.documents import WebhookEvent
from service.inbox.states import InboxStatus
from service.storage.database import Row
from service.storage.transaction import Transaction


async def write_review(row: WebhookEvent, purge_at: datetime, tx: Transaction) -> None:
    """Write what was decided about an open review that was read in the same transaction.

    Only once all of it is decided is it purged some day.
    """
    written = ("status", "reason", "decision", "doubts", "payload", "cut")
    fields = {name: row.stored(name) for name in written}
    done = row.decision is not None or row.status is not InboxStatus.REVIEW
    await WebhookEvent.get_pymongo_collection().update_one(
        {"_id": row.id, "status": InboxStatus.REVIEW.value, "decision": None},
        {"$set": {**fields, "purgeAt": purge_at if done else None, "recount": True}},
        session=tx.session,
    )


async def open_again(row: Row, tx: Transaction) -> bool:
    """Insert a review, or open one again that closed by itself; return whether it was closed.

    One that a person has decided stays decided.
    """
    events = WebhookEvent.get_pymongo_collection()
    known = await events.find_one({"_id": row["_id"]}, session=tx.session)
    if known is None:
        await events.insert_one(row, session=tx.session)
        return True
    if known["status"] == InboxStatus.REVIEW.value or known["decision"] is not None:
        return False
    fields = {name: value for name, value in row.items() if name != "_id"}
    await events.update_one({"_id": row["_id"]}, {"$set": fields}, session=tx.session)
    return True


async def open_reviews_of(merchant_id: str, session_id: str, tx: Transaction) -> list[WebhookEvent]:
    """Return the reviews of a session that are undecided or await a capture, by event id."""
    wanted = {
        "sessionId": session_id,
        "merchantId": merchant_id,
        "status": InboxStatus.REVIEW.value,
        "decision": None,
    }
    cursor = WebhookEvent.get_pymongo_collection().find(wanted, session=tx.session).sort("_id", 1)
    return [WebhookEvent.model_validate(row) for row in await cursor.to_list(1000)]


async def decided_review_of(merchant_id: str, session_id: str) -> WebhookEvent | None:
    """Return the latest decided review of a session."""
    wanted = {
        "sessionId": session_id,
        "merchantId": merchant_id,
        "status": InboxStatus.REVIEW.value,
        "decision": {"$ne": None},
    }
    row = await WebhookEvent.get_pymongo_collection().find_one(wanted, sort=[("decision.at", -1)])
    return WebhookEvent.model_validate(row) if row else None
