"""Named queries on the events that wait to be tried again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ReturnDocument

from service.core.lanes import Lane, lane_of, wanted_by
from service.inbox.documents import WebhookEvent
from service.inbox.states import WAITING, InboxStatus
from service.storage.database import Row


async def postpone(
    row: WebhookEvent,
    error: str,
    outcome: InboxStatus,
    at: datetime | None,
    purge_at: datetime | None,
) -> None:
    """Keep why a waiting event could not even be read, and when it is tried again."""
    await WebhookEvent.get_pymongo_collection().update_one(
        {"_id": row.id, "status": row.status.value, "attempts": row.attempts},
        {
            "$set": {
                "error": error,
                "status": outcome.value,
                "nextAttemptAt": at,
                "purgeAt": purge_at,
            }
        },
    )


async def find_waiting_lane(now: datetime, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a waiting event is due, if there is one."""
    due = _waiting(now) | wanted_by(lanes, "provider")
    row = await WebhookEvent.get_pymongo_collection().find_one(due, {"provider": 1})
    return lane_of(row.get("provider"), lanes) if row else None


def _waiting(now: datetime) -> Row:
    return {"status": {"$in": sorted(WAITING)}, "nextAttemptAt": {"$lte": now}}


async def claim_waiting(now: datetime, lease: timedelta, lane: Lane) -> WebhookEvent | None:
    """Take the waiting event of a lane that is due longest, and hide it from others for a while."""
    due = _waiting(now) | lane.wanted("provider")
    row = await WebhookEvent.get_pymongo_collection().find_one_and_update(
        due,
        {"$set": {"nextAttemptAt": now + lease}, "$inc": {"attempts": 1}},
        sort=[("nextAttemptAt", 1)],
        return_document=ReturnDocument.AFTER,
    )
    return WebhookEvent.model_validate(row) if row else None


async def count_waiting(now: datetime) -> int:
    """Count the waiting events that are due."""
    return await WebhookEvent.get_pymongo_collection().count_documents(_waiting(now))
