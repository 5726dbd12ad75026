"""Named queries on the API keys."""

from datetime import datetime

from service.storage.transactions import answers_in_time
from service.web.keys.documents import ApiKey


async def insert_key(key: ApiKey) -> None:
    """Store a new key."""
    async with answers_in_time():
        await ApiKey.get_pymongo_collection().insert_one(key.to_row())


async def find_key(key_hash: str) -> ApiKey | None:
    """Find a key by its hash, usable or not. Raises `Unavailable`."""
    async with answers_in_time():
        row = await ApiKey.get_pymongo_collection().find_one({"_id": key_hash})
    return ApiKey.model_validate(row) if row else None


async def list_keys() -> list[ApiKey]:
    """List every key, newest first."""
    async with answers_in_time():
        rows = await ApiKey.get_pymongo_collection().find().sort("createdAt", -1).to_list()
    return [ApiKey.model_validate(row) for row in rows]


async def mark_used(key_hash: str, moment: datetime) -> None:
    """Note when a key was last used."""
    async with answers_in_time():
        await ApiKey.get_pymongo_collection().update_one(
            {"_id": key_hash}, {"$max": {"lastUsedAt": moment}}
        )


async def revoke_by_prefix(key_id: str, moment: datetime) -> int:
    """End the keys whose hash begins with `key_id` (hex); give how many that were."""
    last = key_id + "g"  # sorts behind every hex digit
    async with answers_in_time():
        found = await ApiKey.get_pymongo_collection().update_many(
            {"_id": {"$gte": key_id, "$lt": last}, "revokedAt": None},
            {"$set": {"revokedAt": moment}},
        )
    return found.modified_count
