"""Named queries on endpoints; each change is one filtered update, with the database's time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.core.clock import EARLIEST, Clock
from service.core.paging import Cursor
from service.notifications.endpoints.documents import WebhookEndpoint
from service.storage.database import Row
from service.storage.paging import newest_first
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

# A change becomes visible at its commit: a reader looks so far behind what it has seen.
OVERLAP = timedelta(seconds=10)


async def insert(endpoint: WebhookEndpoint, clock: Clock, tx: Transaction) -> None:
    """Store a new endpoint."""
    await tx.insert(WebhookEndpoint.get_pymongo_collection(), endpoint.to_row())
    await change(endpoint.id, endpoint.merchant_id, {}, clock, tx)


async def find(
    endpoint_id: str, merchant_id: str, tx: Transaction = NO_TRANSACTION
) -> WebhookEndpoint | None:
    """Find an endpoint of a merchant."""
    row = await WebhookEndpoint.get_pymongo_collection().find_one(
        _one(endpoint_id, merchant_id), session=tx.session
    )
    return WebhookEndpoint.model_validate(row) if row else None


async def is_sent_to(endpoint_id: str) -> bool:
    """Return whether an endpoint is there, and not disabled."""
    wanted = {"_id": {"$eq": endpoint_id}, "removed": False, "disabled": None}
    return await WebhookEndpoint.get_pymongo_collection().find_one(wanted, {"_id": 1}) is not None


async def find_any(endpoint_id: str, tx: Transaction) -> WebhookEndpoint | None:
    """Find an endpoint, whosever it is, and removed or not: its id was made of a call's seed."""
    row = await WebhookEndpoint.get_pymongo_collection().find_one(
        {"_id": {"$eq": endpoint_id}}, session=tx.session
    )
    return WebhookEndpoint.model_validate(row) if row else None


async def change(
    endpoint_id: str,
    merchant_id: str,
    fields: Row,
    clock: Clock,
    tx: Transaction = NO_TRANSACTION,
    **as_read: object,
) -> bool:
    """Set fields of an endpoint; return whether it was there, as it had been read."""
    literally = {name: {"$literal": value} for name, value in fields.items()}
    done = await WebhookEndpoint.get_pymongo_collection().update_one(
        _one(endpoint_id, merchant_id) | as_read,
        [{"$set": literally | {"changedAt": clock.in_database()}}],
        session=tx.session,
    )
    return done.matched_count == 1


async def count(merchant_id: str, tx: Transaction) -> int:
    """Count the endpoints of a merchant."""
    wanted = {"merchantId": merchant_id, "removed": False}
    rows = WebhookEndpoint.get_pymongo_collection()
    return await rows.count_documents(wanted, session=tx.session)


async def page(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[WebhookEndpoint], Cursor | None]:
    """Return a page of a merchant's endpoints, newest first."""
    wanted = {"merchantId": merchant_id, "removed": False}
    collection = WebhookEndpoint.get_pymongo_collection()
    rows, following = await newest_first(
        collection, wanted, by="createdAt", cursor=cursor, limit=limit
    )
    return [WebhookEndpoint.model_validate(row) for row in rows], following


async def changed(since: datetime | None) -> Sequence[WebhookEndpoint]:
    """Return the endpoints that were changed since a time, removed ones too; None: all."""
    wanted: Row = {"changedAt": {"$gte": EARLIEST if since is None else since - OVERLAP}}
    rows = await WebhookEndpoint.get_pymongo_collection().find(wanted).to_list()
    return [WebhookEndpoint.model_validate(row) for row in rows]


async def disabled(most_each: int) -> Sequence[WebhookEndpoint]:
    """Return endpoints that are disabled for what they answered: some of each merchant's."""
    wanted = {"disabled.reason": {"$in": ["failing", "gone"]}, "removed": False}
    some = {"$firstN": {"input": "$$ROOT", "n": most_each}}
    found = await WebhookEndpoint.get_pymongo_collection().aggregate(
        [
            {"$match": wanted},
            {"$sort": {"_id": 1}},
            {"$group": {"_id": "$merchantId", "some": some}},
        ]
    )
    return [
        WebhookEndpoint.model_validate(row)
        for of_merchant in await found.to_list()
        for row in of_merchant["some"]
    ]


async def count_sealed_under(pepper_ids: Sequence[str], now: datetime) -> int:
    """Count the endpoints of which something is sealed under one of these peppers.

    A secret that signs no more needs no pepper.
    """
    under = [{"$regex": f"^{one}[.]"} for one in pepper_ids]
    signs: Row = {"$or": [{"expiresAt": None}, {"expiresAt": {"$gt": now}}]}
    of_each: list[Row] = [{"headers": one} for one in under]
    of_each += [{"secrets": {"$elemMatch": signs | {"sealed": one}}} for one in under]
    if not of_each:
        return 0
    wanted: Row = {"removed": False, "$or": of_each}
    return await WebhookEndpoint.get_pymongo_collection().count_documents(wanted)


def _one(endpoint_id: str, merchant_id: str) -> Row:
    return {"_id": {"$eq": endpoint_id}, "merchantId": merchant_id, "removed": False}
