"""Named queries on what is made anew: the rebuild that was begun last, and its marks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from service.analytics.documents import DirtyBucket, Rebuild
from service.storage.database import Row
from service.storage.transaction import Transaction

_LATEST: Final = "latest"


async def mark(merchant_id: str, buckets: Iterable[datetime]) -> None:
    """Mark quarter-hours of which nothing has changed, to be added up anew."""
    anew: Row = {"$inc": {"n": 0, "series": 1}, "$set": {"rebuild": True}}
    writes = [
        UpdateOne({"merchantId": merchant_id, "bucket": at}, anew, upsert=True) for at in buckets
    ]
    if writes:
        await DirtyBucket.get_pymongo_collection().bulk_write(writes, ordered=False)


async def count_left() -> int:
    """Count the quarter-hours that a rebuild marked and nobody has added up since."""
    return await DirtyBucket.get_pymongo_collection().count_documents({"rebuild": True})


async def latest() -> Rebuild | None:
    """Return the rebuild that was begun last; None where there was none."""
    row = await Rebuild.get_pymongo_collection().find_one({"_id": _LATEST})
    return None if row is None else Rebuild.model_validate(row)


async def forget() -> None:
    """Forget the rebuild that was begun last: another one is about to mark."""
    await Rebuild.get_pymongo_collection().delete_one({"_id": _LATEST})


async def keep(since: datetime, until: datetime, n: int, now: datetime, tx: Transaction) -> None:
    """Keep that all quarter-hours of a time are marked, in the place of what was kept before."""
    given: Row = {"_id": _LATEST, "since": since, "until": until, "buckets": n, "begunAt": now}
    await Rebuild.get_pymongo_collection().replace_one(
        {"_id": _LATEST}, Rebuild.new_row(given), upsert=True, session=tx.session
    )
