"""Named queries on idempotency keys; each change is one write on the expected state."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from service.storage.answering import Duplicate, answers_in_time
from service.web.idempotency.documents import IdempotencyKey

LOCKED_FOR = timedelta(seconds=60)
KEPT_FOR = timedelta(hours=24)


class Claim(Struct, frozen=True):
    """One run of one call."""

    id: str
    payload_hash: str
    owner: str


async def claim(wanted: Claim, now: datetime) -> IdempotencyKey | None:
    """Claim a call; return None if it is ours, else the row that blocks it.

    Uniqueness is `_id` and an insert. A row older than a day, or one of the same payload whose run
    crashed, is taken over by a filtered update that only one of many wins.
    """
    row = IdempotencyKey(
        id=wanted.id,
        state="in_flight",
        payload_hash=wanted.payload_hash,
        owner=wanted.owner,
        locked_until=now + LOCKED_FOR,
        created_at=now,
        expires_at=now + KEPT_FOR,
    ).to_row()
    rows = IdempotencyKey.get_pymongo_collection()
    async with answers_in_time():
        try:
            await rows.insert_one(row)
        except Duplicate:
            pass
        else:
            return None
        crashed = {
            "state": "in_flight",
            "lockedUntil": {"$lte": now},
            "payloadHash": wanted.payload_hash,
        }
        taken = await rows.replace_one(
            {"_id": wanted.id, "$or": [{"expiresAt": {"$lte": now}}, crashed]}, row
        )
        if taken.modified_count:
            return None
        # Gone by now: the run that blocked it was released; treat it as in flight.
        standing = await rows.find_one({"_id": wanted.id}) or row
    found: IdempotencyKey = IdempotencyKey.model_validate(standing)
    return found


async def first_known(ids: Sequence[str], now: datetime) -> IdempotencyKey | None:
    """Read the call that was begun or answered with one of these ids, None if there is none."""
    rows = IdempotencyKey.get_pymongo_collection()
    async with answers_in_time():
        found = await rows.find_one({"_id": {"$in": list(ids)}, "expiresAt": {"$gt": now}})
    return IdempotencyKey.model_validate(found) if found is not None else None


async def count_begun_under(pepper_ids: Sequence[str], now: datetime) -> int:
    """Count the calls stored with these peppers, by the prefix of their ids."""
    begins = "|".join(re.escape(pepper_id) for pepper_id in pepper_ids)
    wanted = {"_id": {"$regex": rf"^(?:{begins})\."}, "expiresAt": {"$gt": now}}
    return await IdempotencyKey.get_pymongo_collection().count_documents(wanted)


async def keep_answer(held: Claim, status: int, content_type: str, sealed_body: bytes) -> None:
    """Store the answer of our run; does nothing if another run has taken over."""
    async with answers_in_time():
        await IdempotencyKey.get_pymongo_collection().update_one(
            {"_id": held.id, "owner": held.owner, "state": "in_flight"},
            {
                "$set": {
                    "state": "done",
                    "status": status,
                    "contentType": content_type,
                    "sealedBody": sealed_body,
                }
            },
        )


async def release(held: Claim) -> None:
    """Forget our run, so that the call can be made again."""
    async with answers_in_time():
        await IdempotencyKey.get_pymongo_collection().delete_one(
            {"_id": held.id, "owner": held.owner, "state": "in_flight"}
        )
