"""Named queries on the trail."""

from datetime import datetime

from service.audit.documents import AuditEntry
from service.core.paging import Cursor
from service.storage.database import Row
from service.storage.paging import newest_first
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


async def append(row: Row, tx: Transaction = NO_TRANSACTION) -> None:
    """Append an entry, in the transaction of the change that it records."""
    await AuditEntry.get_pymongo_collection().insert_one(row, session=tx.session)


async def page(
    merchant_id: str,
    *,
    object_: str | None,
    actor: str | None,
    between: tuple[datetime | None, datetime | None],
    cursor: Cursor | None,
    limit: int,
) -> tuple[list[AuditEntry], Cursor | None]:
    """Return a page of a merchant's trail, newest first, and where the next one begins."""
    wanted: Row = {"merchantId": merchant_id}
    wanted |= {"object": {"$eq": object_}} if object_ else {}
    wanted |= {"actor": {"$eq": actor}} if actor else {}
    start, end = between
    bounds = ({"$gte": start} if start else {}) | ({"$lt": end} if end else {})
    wanted |= {"at": bounds} if bounds else {}
    collection = AuditEntry.get_pymongo_collection()
    rows, following = await newest_first(collection, wanted, by="at", cursor=cursor, limit=limit)
    return [AuditEntry.model_validate(row) for row in rows], following


async def of_object(merchant_id: str, object_: str) -> list[AuditEntry]:
    """Return all that was done to one object, oldest first."""
    wanted = {"merchantId": merchant_id, "object": {"$eq": object_}}
    cursor = AuditEntry.get_pymongo_collection().find(wanted).sort("at", 1).limit(1000)
    return [AuditEntry.model_validate(row) async for row in cursor]
