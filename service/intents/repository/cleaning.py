"""Named queries for the jobs: what was kept long enough, what is not parsed yet."""

from collections.abc import AsyncGenerator
from datetime import datetime

from msgspec import Struct

from service.intents.documents import PaymentIntent
from service.storage.database import Row
from service.storage.keys import Keys, walk_keys


class Kept(Struct, frozen=True):
    """What is kept of a merchant: how many leads (up to a limit), from when to when, how large."""

    count: int
    oldest: datetime | None
    newest: datetime | None
    average_bytes: int


async def find_before(merchant_id: str, before: datetime, limit: int) -> list[Row]:
    """Find a merchant's leads that were left before a time, oldest first."""
    wanted = {"merchantId": merchant_id, "createdAt": {"$lt": before}}
    found = PaymentIntent.get_pymongo_collection().find(wanted, hint="merchant_createdAt")
    return await found.sort([("createdAt", 1), ("_id", 1)]).limit(limit).to_list()


async def count_before(merchant_id: str, before: datetime) -> int:
    """Count a merchant's leads that were left before a time."""
    wanted = {"merchantId": merchant_id, "createdAt": {"$lt": before}}
    leads = PaymentIntent.get_pymongo_collection()
    return await leads.count_documents(wanted, hint="merchant_createdAt")


async def find_purgeable(now: datetime, limit: int) -> list[Row]:
    """Find leads of all merchants that were kept long enough, longest first."""
    found = PaymentIntent.get_pymongo_collection().find({"purgeAt": {"$lte": now}}, hint="purgeAt")
    return await found.sort("purgeAt", 1).limit(limit).to_list()


async def count_purgeable(now: datetime) -> int:
    """Count leads of all merchants that were kept long enough."""
    leads = PaymentIntent.get_pymongo_collection()
    return await leads.count_documents({"purgeAt": {"$lte": now}}, hint="purgeAt")


async def kept_of(merchant_id: str, limit: int) -> Kept:
    """Return what is kept of a merchant; the average size is that of all merchants' leads."""
    leads = PaymentIntent.get_pymongo_collection()
    of_merchant = {"merchantId": merchant_id}
    count = await leads.count_documents(of_merchant, limit=limit, hint="merchant_createdAt")
    ends = [
        await leads.find_one(of_merchant, {"createdAt": 1}, sort=[("createdAt", sign)])
        for sign in (1, -1)
    ]
    oldest, newest = (row["createdAt"] if row else None for row in ends)
    stats = await leads.database.command({"collStats": leads.name})
    return Kept(count, oldest, newest, int(stats.get("avgObjSize", 0)))


async def count_unparsed() -> int:
    """Count leads whose user agent nobody has parsed yet."""
    leads = PaymentIntent.get_pymongo_collection()
    return await leads.count_documents({"unparsed": True}, hint="unparsed_createdAt")


def walk_unparsed(size: int) -> AsyncGenerator[Keys, None]:
    """Yield the ids of leads whose user agent nobody has parsed yet, oldest first."""
    leads = PaymentIntent.get_pymongo_collection()
    return walk_keys(leads, {"unparsed": True}, by="createdAt", size=size)
