"""Named queries on the sign-ins."""

from datetime import datetime

from service.storage.answering import answers_in_time
from service.web.sign_ins.documents import SignIn


async def insert(sign_in: SignIn) -> None:
    """Store a new sign-in. Raises `Unavailable`."""
    async with answers_in_time():
        await SignIn.get_pymongo_collection().insert_one(sign_in.to_row())


async def find(token_hash: str) -> SignIn | None:
    """Find a sign-in, lapsed or not. Raises `Unavailable`."""
    async with answers_in_time():
        row = await SignIn.get_pymongo_collection().find_one({"_id": token_hash})
    return SignIn.model_validate(row) if row else None


async def prolong(token_hash: str, lapses_at: datetime) -> None:
    """Postpone the lapse of a sign-in; one that was ended meanwhile stays ended."""
    async with answers_in_time():
        await SignIn.get_pymongo_collection().update_one(
            {"_id": token_hash}, {"$max": {"lapsesAt": lapses_at}}
        )


async def remove(token_hash: str) -> SignIn | None:
    """End a sign-in for good, and return it; None if there was none."""
    async with answers_in_time():
        row = await SignIn.get_pymongo_collection().find_one_and_delete({"_id": token_hash})
    return SignIn.model_validate(row) if row else None
