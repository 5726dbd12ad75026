"""Named queries on the merchants."""

from service.core.paging import Cursor
from service.merchants.documents import Merchant
from service.storage.database import Row
from service.storage.paging import newest_first
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


async def find(merchant_id: str, tx: Transaction = NO_TRANSACTION) -> Merchant | None:
    """Find a merchant by its id."""
    wanted = {"_id": {"$eq": merchant_id}}
    row = await Merchant.get_pymongo_collection().find_one(wanted, session=tx.session)
    return Merchant.model_validate(row) if row else None


async def page(*, cursor: Cursor | None, limit: int) -> tuple[list[Merchant], Cursor | None]:
    """Return a page of the merchants, newest first, and where the next one begins."""
    collection = Merchant.get_pymongo_collection()
    rows, following = await newest_first(collection, {}, by="createdAt", cursor=cursor, limit=limit)
    return [Merchant.model_validate(row) for row in rows], following


async def alerts_off() -> dict[str, frozenset[str]]:
    """Return the rules of alerts that merchants have turned off for themselves."""
    found = Merchant.get_pymongo_collection().find({"alertsOff.0": {"$exists": True}})
    return {row["_id"]: frozenset(row["alertsOff"]) for row in await found.to_list()}


async def insert(merchant: Merchant, tx: Transaction) -> None:
    """Store a new merchant. Raises `Duplicate`."""
    await tx.insert(Merchant.get_pymongo_collection(), merchant.to_row())


async def insert_missing(merchant: Merchant, tx: Transaction = NO_TRANSACTION) -> None:
    """Store a merchant unless it exists."""
    await tx.insert_missing(Merchant.get_pymongo_collection(), [merchant.to_row()])


async def change(merchant: Merchant, fields: Row, tx: Transaction) -> Merchant | None:
    """Set fields of a merchant; None if its suspension has changed since it was read."""
    wanted: Row = {"_id": merchant.id, "suspended": merchant.to_row()["suspended"]}
    return await tx.change(merchant, wanted, {"$set": fields})
