"""How far sessions came, for the leads that they follow."""

from collections.abc import Collection, Mapping

from service.intents.operations.services import Followed
from service.sessions.documents import Session
from service.sessions.states import Status

_READ = {"_id": 0, "sessionId": 1, "attempts": 1, "status": 1}


async def find_followed(merchant_id: str, ids: Collection[str]) -> Mapping[str, Followed]:
    """Return how far some sessions of a merchant came, those that there are."""
    wanted = {"merchantId": merchant_id, "sessionId": {"$in": [*ids]}}
    rows = await Session.get_pymongo_collection().find(wanted, _READ).to_list()
    return {row["sessionId"]: _followed(row["attempts"], row["status"]) for row in rows}


def _followed(attempts: int, status: str) -> Followed:
    """A session that was paid was attempted, even where its checkout was opened elsewhere."""
    paid = status == Status.COMPLETED.value
    return Followed(attempted=paid or attempts > 0, paid=paid)
