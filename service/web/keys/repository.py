"""Named queries on the API keys."""

from datetime import datetime

from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction
from service.web.keys.documents import ApiKey


async def insert_key(key: ApiKey, tx: Transaction = NO_TRANSACTION) -> None:
    """Store a new key, in the transaction of its audit entry."""
    await ApiKey.get_pymongo_collection().insert_one(key.to_row(), session=tx.session)


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


async def revoke_by_prefix(
    key_id: str, moment: datetime, tx: Transaction = NO_TRANSACTION
) -> list[ApiKey]:
    """Revoke the keys whose hash starts with `key_id` (hex), and return those that were live."""
    last = key_id + "g"  # sorts after every hex digit
    collection, ended = ApiKey.get_pymongo_collection(), []
    live = {"_id": {"$gte": key_id, "$lt": last}, "revokedAt": None}
    now = {"$set": {"revokedAt": moment}}
    while row := await collection.find_one_and_update(live, now, session=tx.session):
        ended.append(ApiKey.model_validate(row))
    return ended
