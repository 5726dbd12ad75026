"""What goes over the wire about prices and coupons."""

from datetime import datetime

from msgspec import Struct
from pydantic import Field

from service.catalog.documents import Coupon, Price
from service.core.errors import FieldProblem, InvalidInput
from service.web.fields import CurrencyCode, Quantity, ShortText, StrictAmount, Text, UtcMoment
from service.web.wire import WireModel


class PutPrice(WireModel):
    """Sets what one unit of an item costs in a currency."""

    currency: CurrencyCode = Field(examples=["INR"])
    amount: StrictAmount = Field(examples=[1000])
    """Minor units of the currency."""
    title: Text | None = None
    trial_days: Quantity | None = None
    """A subscription begins with these days free of charge."""

    def to_price(self, merchant_id: str, item: str, now: datetime) -> Price:
        """Give the price as it is stored."""
        return Price(
            merchant_id=merchant_id,
            item=item,
            currency=self.currency,
            amount=self.amount,
            title=self.title,
            trial_days=self.trial_days,
            updated_at=now,
        )


class PutCoupon(WireModel):
    """Sets a coupon: a part of the total, or an amount in one currency."""

    basis_points: Quantity | None = Field(None, examples=[2500])
    """Hundredths of a percent: 2500 is 25 %."""
    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    expires_at: UtcMoment | None = None

    def to_coupon(self, merchant_id: str, code: ShortText, now: datetime) -> Coupon:
        """Give the coupon as it is stored. Raises `InvalidInput` for both kinds or none."""
        by_amount = self.amount is not None and self.currency is not None
        by_part = self.amount is None and self.currency is None and self.basis_points is not None
        if by_part == (by_amount and self.basis_points is None):
            problem = FieldProblem("basisPoints", "or amount with currency is due, not both")
            raise InvalidInput("The coupon can't be used.", problems=(problem,))
        return Coupon(
            merchant_id=merchant_id,
            code=code,
            basis_points=self.basis_points,
            amount=self.amount,
            currency=self.currency,
            expires_at=self.expires_at,
            updated_at=now,
        )


class PriceView(Struct, frozen=True, rename="camel"):
    """What one unit of an item costs in a currency."""

    item: str
    currency: str
    amount: int
    title: str | None
    trial_days: int | None
    updated_at: datetime


class CouponView(Struct, frozen=True, rename="camel"):
    """A coupon."""

    code: str
    basis_points: int | None
    amount: int | None
    currency: str | None
    expires_at: datetime | None
    updated_at: datetime


class CatalogAnswer(Struct, frozen=True, rename="camel"):
    """All prices and coupons of a merchant."""

    prices: list[PriceView]
    coupons: list[CouponView]


def price_view(price: Price) -> PriceView:
    """Show a price."""
    return PriceView(
        price.item, price.currency, price.amount, price.title, price.trial_days, price.updated_at
    )


def coupon_view(coupon: Coupon) -> CouponView:
    """Show a coupon."""
    return CouponView(
        coupon.code,
        coupon.basis_points,
        coupon.amount,
        coupon.currency,
        coupon.expires_at,
        coupon.updated_at,
    )
