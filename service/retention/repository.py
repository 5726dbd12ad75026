"""Take and give back leases."""

from datetime import datetime

from service.retention.documents import Lease
from service.storage.answering import Duplicate


async def take(job: str, holder: str, now: datetime, until: datetime) -> bool:
    """Take a lease that is free or has run out; return whether it was.

    An upsert whose filter excludes a lease that is held: its insert then meets the unique `_id`.
    """
    try:
        await Lease.get_pymongo_collection().update_one(
            {"_id": job, "until": {"$lte": now}},
            {"$set": {"holder": holder, "until": until}},
            upsert=True,
        )
    except Duplicate:
        return False
    return True


async def give_back(job: str, holder: str, now: datetime) -> None:
    """End a lease that is still ours."""
    await Lease.get_pymongo_collection().update_one(
        {"_id": job, "holder": holder}, {"$set": {"until": now}}
    )
