"""Named queries on events that a merchant's own server tracks: a series beside the ledger."""

from service.analytics.documents import TrackedEvent
from service.storage.database import Row


async def insert(row: Row) -> None:
    """Insert an event. Raises `Duplicate` where one has its id."""
    await TrackedEvent.get_pymongo_collection().insert_one(row)
