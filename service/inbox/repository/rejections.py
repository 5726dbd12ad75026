"""Named queries on rejected deliveries."""

from collections.abc import Sequence

from service.inbox.documents import WebhookRejection
from service.storage.database import Row


async def reject(rejections: Sequence[WebhookRejection]) -> None:
    """Keep why deliveries were not believed, in one group."""
    rows = [rejection.to_row() for rejection in rejections]
    await WebhookRejection.get_pymongo_collection().insert_many(rows, ordered=False)


async def latest_rejections(provider: str | None, limit: int) -> list[WebhookRejection]:
    """Return the latest rejections, newest first; a capped collection keeps the order."""
    wanted = {"provider": {"$eq": provider}} if provider else {}
    cursor = WebhookRejection.get_pymongo_collection().find(wanted).sort("$natural", -1)
    return [WebhookRejection.model_validate(row) for row in await cursor.limit(limit).to_list()]


async def count_rejections() -> dict[str, int]:
    """Count the deliveries that the kept rejections stand for, by provider and reason."""
    stages: list[Row] = [
        {
            "$group": {
                "_id": {"provider": "$provider", "reason": "$reason"},
                "n": {"$sum": {"$ifNull": ["$deliveries", 1]}},
            }
        }
    ]
    cursor = await WebhookRejection.get_pymongo_collection().aggregate(stages)
    return {f"{row['_id']['provider']}:{row['_id']['reason']}": row["n"] async for row in cursor}
