"""Named queries on hours that are unlike others, and on how far was looked."""

from collections.abc import Sequence
from datetime import datetime

from service.analytics.documents import HoursState, UnusualHour
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.transaction import Transaction


async def looked_until(merchant_id: str) -> datetime | None:
    """Return the end of the last hour of a merchant that was looked at."""
    async with answers_in_time():
        row = await HoursState.get_pymongo_collection().find_one({"_id": merchant_id})
    return None if row is None else row["lookedUntil"]


async def put(merchant_id: str, ended: datetime, rows: Sequence[Row], tx: Transaction) -> None:
    """Keep what is unusual of the hours that ended, in the place of what was."""
    unusual = UnusualHour.get_pymongo_collection()
    await unusual.delete_many({"merchantId": merchant_id}, session=tx.session)
    if rows:
        await unusual.insert_many(rows, session=tx.session)
    await HoursState.get_pymongo_collection().update_one(
        {"_id": merchant_id},
        {"$set": {"lookedUntil": ended}},
        upsert=True,
        session=tx.session,
    )


async def standing(rule: str, now: datetime) -> list[Row]:
    """Return what is unusual of the latest hours by a rule, of all merchants."""
    found = UnusualHour.get_pymongo_collection().find({"rule": rule, "standsUntil": {"$gt": now}})
    return await found.sort("_id", 1).to_list()
