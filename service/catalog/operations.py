"""Quote a total, and manage prices and coupons."""

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from service.audit.operations import Act, record
from service.catalog import repository
from service.catalog.documents import Coupon, Price
from service.catalog.errors import CouponUnknown, ItemHasNoPrice, PriceNotFound, TotalTooLarge
from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject
from service.storage.transactions import Transaction, answers_in_time, in_transaction
from service.web.principal import Principal

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to pay for. `field` is the request's field that names the item."""

    item: str
    field: str
    currency: str
    quantity: int
    coupon_code: str | None = None


class Quote(Struct, frozen=True):
    """A total in minor units. `free` tells that nothing may be due: a trial, or a full discount."""

    amount: int
    free: bool
    trial_days: int | None


async def quote(merchant_id: str, wanted: Wanted, now: datetime) -> Quote:
    """Compute unit price x quantity less the coupon. Raises `ItemHasNoPrice` and its kin."""
    code, coupon = wanted.coupon_code, None
    async with answers_in_time():
        price = await repository.find_price(merchant_id, wanted.item, wanted.currency)
        if code is not None:
            coupon = await repository.find_coupon(merchant_id, code)
    if price is None:
        raise ItemHasNoPrice(wanted.field, wanted.item, wanted.currency)
    total = price.amount * wanted.quantity
    if total > LARGEST_AMOUNT:
        raise TotalTooLarge(wanted.quantity)
    if code is not None:
        total = discounted(total, coupon, wanted, now)
    return Quote(
        total, free=total == 0 or price.trial_days is not None, trial_days=price.trial_days
    )


def discounted(total: int, coupon: Coupon | None, wanted: Wanted, now: datetime) -> int:
    """Give what is left of a total. Raises `CouponUnknown` for a coupon that does not hold."""
    over = coupon is not None and coupon.expires_at is not None and coupon.expires_at <= now
    if coupon is None or over:
        raise CouponUnknown(wanted.coupon_code or "")
    if coupon.basis_points is not None:
        # Rounded down: half a minor unit is never given away twice over quantity.
        return total - total * coupon.basis_points // WHOLE
    if coupon.amount is None or coupon.currency != wanted.currency:
        raise CouponUnknown(coupon.code)
    return total - min(coupon.amount, total)


async def set_price(price: Price, by: Principal) -> None:
    """Set an item's price, on the record."""

    async def work(tx: Transaction) -> None:
        await repository.put_price(price, tx)
        detail: JsonObject = {"currency": price.currency, "amount": price.amount}
        act = Act("price.set", f"price:{price.item}", detail=detail)
        await record(tx, by, act, price.updated_at)

    await in_transaction(work)


async def set_coupon(coupon: Coupon, by: Principal) -> None:
    """Set a coupon, on the record."""

    async def work(tx: Transaction) -> None:
        await repository.put_coupon(coupon, tx)
        detail: JsonObject = {"basisPoints": coupon.basis_points, "amount": coupon.amount}
        act = Act("coupon.set", f"coupon:{coupon.code}", detail=detail)
        await record(tx, by, act, coupon.updated_at)

    await in_transaction(work)


async def remove_price(item: str, currency: str, by: Principal, now: datetime) -> None:
    """Delete a price, on the record. Raises `PriceNotFound`."""

    async def work(tx: Transaction) -> None:
        if not await repository.delete_price(by.merchant_id, item, currency, tx):
            raise PriceNotFound(f"There is no price of {item!r} in {currency}.")
        act = Act("price.removed", f"price:{item}", detail={"currency": currency})
        await record(tx, by, act, now)

    await in_transaction(work)


async def remove_coupon(code: str, by: Principal, now: datetime) -> None:
    """Delete a coupon, on the record. Raises `PriceNotFound`."""

    async def work(tx: Transaction) -> None:
        if not await repository.delete_coupon(by.merchant_id, code, tx):
            raise PriceNotFound(f"There is no coupon {code!r}.")
        await record(tx, by, Act("coupon.removed", f"coupon:{code}"), now)

    await in_transaction(work)


async def list_catalog(merchant_id: str) -> tuple[list[Price], list[Coupon]]:
    """List all prices and coupons of a merchant."""
    async with answers_in_time():
        prices = await repository.list_prices(merchant_id)
        return prices, await repository.list_coupons(merchant_id)
