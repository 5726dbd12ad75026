"""Named queries on calls."""

from collections.abc import Sequence

from service.storage.database import Row
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.documents import SandboxCheckout

# A page that asks every second for an hour leaves 3600.
_MOST = 5000


async def keep_call(call: SandboxCall) -> None:
    """Store a call.

    A token is requested before its session is known: the call that issued it belongs to the first
    session that uses it.
    """
    collection = SandboxCall.get_pymongo_collection()
    await collection.insert_one(call.to_row())
    if call.grant is not None and call.session_id is not None:
        unclaimed: Row = {"grant": call.grant, "sessionId": None}
        await collection.update_many(unclaimed, {"$set": {"sessionId": call.session_id}})


async def calls_of(session_id: str) -> list[SandboxCall]:
    """Return the calls that concern a session, oldest first; if too many, the latest."""
    wanted: Row = {"sessionId": {"$eq": session_id}}
    cursor = SandboxCall.get_pymongo_collection().find(wanted).sort("at", -1)
    rows = await cursor.to_list(_MOST)
    return [SandboxCall.model_validate(row) for row in reversed(rows)]


async def session_of(ids: Sequence[str]) -> str | None:
    """Find the session of the checkout to which one of a provider's ids belongs."""
    if not ids:
        return None
    named = {"$in": list(ids)}
    row = await SandboxCheckout.get_pymongo_collection().find_one(
        {"$or": [{"_id": named}, {"payments.id": named}, {"objectIds": named}]},
        {"sessionId": 1},
    )
    return str(row["sessionId"]) or None if row else None
