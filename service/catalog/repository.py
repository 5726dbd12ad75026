"""Named queries on prices and coupons."""

from service.catalog.documents import Coupon, Price, Product
from service.storage.database import Row
from service.storage.transaction import LookUp, Question, Transaction


async def find_price(merchant_id: str, product: Product, currency: str) -> Price | None:
    """Find the price of a product in a currency."""
    row = await Price.get_pymongo_collection().find_one(_key(merchant_id, product, currency))
    return Price.model_validate(row) if row else None


async def find_coupon(merchant_id: str, code: str) -> Coupon | None:
    """Find a coupon by its code."""
    wanted = {"merchantId": merchant_id, "code": {"$eq": code}}
    row = await Coupon.get_pymongo_collection().find_one(wanted)
    return Coupon.model_validate(row) if row else None


async def put_price(price: Price, tx: Transaction) -> None:
    """Set an item's price in a currency."""
    row = price.to_row()
    key = {name: row.pop(name) for name in ("merchantId", "item", "passId", "currency")}
    await Price.get_pymongo_collection().update_one(
        key, {"$set": row}, upsert=True, session=tx.session
    )


async def put_coupon(coupon: Coupon, tx: Transaction) -> None:
    """Set a coupon."""
    row = coupon.to_row()
    key = {name: row.pop(name) for name in ("merchantId", "code")}
    await Coupon.get_pymongo_collection().update_one(
        key, {"$set": row}, upsert=True, session=tx.session
    )


async def delete_price(merchant_id: str, product: Product, currency: str, tx: Transaction) -> bool:
    """Delete a price; return whether there was one."""
    wanted = _key(merchant_id, product, currency)
    deleted = await Price.get_pymongo_collection().delete_one(wanted, session=tx.session)
    return deleted.deleted_count == 1


async def delete_coupon(merchant_id: str, code: str, tx: Transaction) -> bool:
    """Delete a coupon; return whether there was one."""
    wanted = {"merchantId": merchant_id, "code": {"$eq": code}}
    deleted = await Coupon.get_pymongo_collection().delete_one(wanted, session=tx.session)
    return deleted.deleted_count == 1


async def list_prices(merchant_id: str) -> list[Price]:
    """Return a merchant's prices, by item, pass and currency."""
    cursor = Price.get_pymongo_collection().find({"merchantId": merchant_id})
    rows = await cursor.sort([("item", 1), ("passId", 1), ("currency", 1)]).to_list(1000)
    return [Price.model_validate(row) for row in rows]


async def find_by_provider_price(
    merchant_id: str, provider: str, ref: str, tx: Transaction
) -> list[Price]:
    """Find the prices that a provider knows by an id."""
    wanted = LookUp(f"providerPrices.{provider}", (ref,), fixed={"merchantId": merchant_id})
    rows = await tx.look_up(Question(Price.get_pymongo_collection(), (wanted,)))
    return [Price.model_validate(row) for row in rows]


async def list_coupons(merchant_id: str) -> list[Coupon]:
    """Return a merchant's coupons, by code."""
    rows = await Coupon.get_pymongo_collection().find({"merchantId": merchant_id}).to_list(1000)
    return [Coupon.model_validate(row) for row in sorted(rows, key=lambda row: row["code"])]


def _key(merchant_id: str, product: Product, currency: str) -> Row:
    # None also matches prices written before passes were named with their events.
    return {
        "merchantId": merchant_id,
        "item": {"$eq": product.item},
        "passId": {"$eq": product.pass_id},
        "currency": currency,
    }
