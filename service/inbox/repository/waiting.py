"""Named queries on the events that wait to be tried again."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ReturnDocument

from service.core.clock import Clock
from service.core.lanes import Lane, lane_of, wanted_by
from service.inbox.documents import WebhookEvent
from service.inbox.states import WAITING, InboxStatus
from service.leases.expressions import ends, free
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
                "leasedUntil": None,
                "purgeAt": purge_at,
                "recount": True,
            }
        },
    )


async def find_waiting_lane(clock: Clock, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a waiting event is due, if there is one."""
    due = _waiting(clock) | wanted_by(lanes, "provider")
    row = await WebhookEvent.get_pymongo_collection().find_one(due, {"provider": 1})
    return lane_of(row.get("provider"), lanes) if row else None


def _waiting(clock: Clock) -> Row:
    return {
        "status": {"$in": sorted(WAITING)},
        "nextAttemptAt": {"$lte": clock.now()},
        "$expr": free("leasedUntil", clock),
    }


async def claim_waiting(clock: Clock, lease: timedelta, lane: Lane) -> WebhookEvent | None:
    """Take the waiting event of a lane that is due longest, and hide it from others for a while."""
    due = _waiting(clock) | lane.wanted("provider")
    claim: list[Row] = [
        {"$set": {"leasedUntil": ends(lease, clock), "attempts": {"$add": ["$attempts", 1]}}}
    ]
    row = await WebhookEvent.get_pymongo_collection().find_one_and_update(
        due, claim, sort=[("nextAttemptAt", 1)], return_document=ReturnDocument.AFTER
    )
    return WebhookEvent.model_validate(row) if row else None


async def count_waiting(clock: Clock) -> int:
    """Count the waiting events that are due."""
    return await WebhookEvent.get_pymongo_collection().count_documents(_waiting(clock))
