"""Events as they are stored, read one after another to be translated anew."""

from collections.abc import Sequence
from datetime import datetime

from service.core.strict_json import JsonObject
from service.inbox.documents import WebhookEvent
from service.storage.database import Row


async def page_of_type(
    merchant_id: str,
    type_: str,
    provider: str | None,
    *,
    since: datetime,
    after: str | None,
    limit: int,
) -> list[WebhookEvent]:
    """Return a merchant's events of one type with their payloads, oldest first.

    Of those that came at `since`, the ones whose id is above `after`.
    """
    beyond: Row = {"$or": [{"receivedAt": {"$gt": since}}, {"_id": {"$gt": after}}]}
    wanted: Row = {
        "merchantId": merchant_id,
        "receivedAt": {"$gte": since},
        "type": {"$eq": type_},
        **({"provider": {"$eq": provider}} if provider is not None else {}),
        **(beyond if after is not None else {}),
    }
    found = WebhookEvent.get_pymongo_collection().find(wanted)
    rows = await found.sort([("receivedAt", 1), ("_id", 1)]).limit(limit).to_list()
    return [WebhookEvent.model_validate(row) for row in rows]


async def write_facts(row: WebhookEvent, facts: Sequence[JsonObject]) -> bool:
    """Write what is read of an event by now; return whether it still was as it was read."""
    wanted = {"_id": row.id, "status": row.status.value, "facts": row.facts}
    done = await WebhookEvent.get_pymongo_collection().update_one(
        wanted, {"$set": {"facts": list(facts)}}
    )
    return done.matched_count == 1
