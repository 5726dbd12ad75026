"""Quote a total: unit price x quantity, less the coupon."""

from datetime import datetime

from msgspec import Struct

from service.catalog import repository
from service.catalog.documents import Coupon, Price, Product
from service.catalog.errors import (
    CouponUnknown,
    ItemHasNoPrice,
    QuantityTooLarge,
    TotalTooLarge,
)
from service.core.money import LARGEST_AMOUNT
from service.storage.answering import answers_in_time

WHOLE = 10_000


class Wanted(Struct, frozen=True):
    """What somebody wants to pay for. `field` is the path of the field that names the item."""

    item: str
    field: str
    currency: str
    quantity: int
    coupon_code: str | None = None
    pass_id: str | None = None

    @property
    def named_by(self) -> str:
        """Return the field that names the item: `plan` or `eventId`."""
        return "plan" if self.field.rpartition(".")[2] == "plan" else "eventId"

    @property
    def product(self) -> Product:
        """Return what is sold as a whole: a price belongs to all of it."""
        return Product(self.item, self.pass_id)


class Quote(Struct, frozen=True):
    """A total in minor units. `free`: nothing may be left to pay (trial, full discount).

    `title` is what the item is called, None where its price has none.
    """

    amount: int
    free: bool
    trial_days: int | None
    title: str | None = None


class Priced(Struct, frozen=True):
    """How a total was made up: the unit price, the items' cost, and what the coupon takes off."""

    price: Price
    subtotal: int
    discount: int

    @property
    def quote(self) -> Quote:
        """Return the total."""
        total, trial_days = self.subtotal - self.discount, self.price.trial_days
        free = total == 0 or trial_days is not None
        return Quote(total, free=free, trial_days=trial_days, title=self.price.title)


async def quote(merchant_id: str, wanted: Wanted, now: datetime) -> Quote:
    """Return the total of what is wanted. Raises `ItemHasNoPrice` or a related error."""
    return (await price_of(merchant_id, wanted, now)).quote


async def price_of(merchant_id: str, wanted: Wanted, now: datetime) -> Priced:
    """Return the total with its parts. Raises `ItemHasNoPrice` or a related error."""
    code, coupon = wanted.coupon_code, None
    async with answers_in_time():
        price = await repository.find_price(merchant_id, wanted.product, wanted.currency)
        if code is not None:
            coupon = await repository.find_coupon(merchant_id, code)
    if price is None:
        raise ItemHasNoPrice(wanted.field, wanted.item, wanted.pass_id, wanted.currency)
    if price.max_quantity is not None and wanted.quantity > price.max_quantity:
        raise QuantityTooLarge(price.max_quantity)
    total = price.amount * wanted.quantity
    if total > LARGEST_AMOUNT:
        raise TotalTooLarge(wanted.quantity)
    left = total if code is None else discounted(total, coupon, wanted, now)
    return Priced(price, total, total - left)


def discounted(total: int, coupon: Coupon | None, wanted: Wanted, now: datetime) -> int:
    """Return a total less its coupon. Raises `CouponUnknown` for a coupon that is not valid."""
    over = coupon is not None and coupon.expires_at is not None and coupon.expires_at <= now
    if coupon is None or over:
        raise CouponUnknown(wanted.coupon_code or "")
    if coupon.basis_points is not None:
        # Rounded down, so that a quantity never gives away more than one unit's rounding.
        return total - total * coupon.basis_points // WHOLE
    if coupon.amount is None or coupon.currency != wanted.currency:
        raise CouponUnknown(coupon.code)
    return total - min(coupon.amount, total)
