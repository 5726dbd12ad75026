"""What goes over the wire about prices and coupons."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct
from pydantic import Field, field_validator

from service.catalog.documents import Coupon, Price
from service.catalog.operations.quote import Wanted
from service.catalog.operations.quote_id import Offered
from service.core.errors import FieldProblem, InvalidInput
from service.core.views import view_of
from service.providers.registry import REGISTRY, ProviderName
from service.providers.subscribed import Interval
from service.web.fields import CurrencyCode, Quantity, ShortText, StrictAmount, Text, UtcMoment
from service.web.wire import WireModel


class PutPrice(WireModel):
    """Sets what one unit of an item costs in a currency."""

    example: ClassVar = {"currency": "INR", "amount": 1000, "title": "One evening"}

    currency: CurrencyCode = Field(examples=["INR"])
    amount: StrictAmount = Field(examples=[1000])
    """Minor units of the currency."""
    title: Text | None = None
    trial_days: Quantity | None = None
    """A subscription begins with these days free of charge."""
    pass_id: ShortText | None = Field(None, examples=["vip"])
    """The pass of the event that this is the price of."""
    max_quantity: Quantity | None = None
    """One session sells at most so many."""
    interval: Interval | None = None
    """How long what a plan costs lasts; a provider whose price says otherwise is refused."""
    interval_count: Quantity = 1
    """So many intervals."""
    provider_prices: dict[ProviderName, ShortText] = Field(
        default_factory=dict, examples=[{"stripe": "price_123", "razorpay": "plan_123"}]
    )
    """The providers' ids of a plan's price, by which subscriptions to it are opened."""

    @field_validator("provider_prices")
    @classmethod
    def _of_those_that_subscribe(cls, given: dict[ProviderName, str]) -> dict[ProviderName, str]:
        for name in given:
            if "subscription" not in REGISTRY[name].traits.modes:
                raise ValueError(f"name {name}, which has no subscriptions")
        return given

    def to_price(self, merchant_id: str, item: str, now: datetime) -> Price:
        """Return the price as it is stored."""
        return Price(merchant_id=merchant_id, item=item, updated_at=now, **dict(self))


class PutCoupon(WireModel):
    """Sets a coupon: a part of the total, or an amount in one currency."""

    example: ClassVar = {"basisPoints": 1000}

    basis_points: Quantity | None = Field(None, examples=[2500])
    """Hundredths of a percent: 2500 is 25 %."""
    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    expires_at: UtcMoment | None = None

    def to_coupon(self, merchant_id: str, code: ShortText, now: datetime) -> Coupon:
        """Return the coupon as it is stored. Raises `InvalidInput` for both kinds or none."""
        by_amount = self.amount is not None and self.currency is not None
        by_part = self.amount is None and self.currency is None and self.basis_points is not None
        if by_part == (by_amount and self.basis_points is None):
            problem = FieldProblem("basisPoints", "or amount with currency is required, not both")
            raise InvalidInput("The coupon can't be used.", problems=(problem,))
        return Coupon(merchant_id=merchant_id, code=code, updated_at=now, **dict(self))


class PriceView(Struct, frozen=True, rename="camel"):
    """What one unit of an item costs in a currency."""

    item: str
    currency: str
    amount: int
    title: str | None
    trial_days: int | None
    updated_at: datetime
    pass_id: str | None = None
    max_quantity: int | None = None
    interval: Interval | None = None
    interval_count: int = 1
    provider_prices: dict[str, str] = {}


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
    return view_of(PriceView, price)


def coupon_view(coupon: Coupon) -> CouponView:
    """Show a coupon."""
    return view_of(CouponView, coupon)


class QuotedItem(WireModel):
    """What is wanted: an event, a pass of it, or a plan."""

    event_id: ShortText | None = Field(None, examples=["event_456"])
    pass_id: ShortText | None = None
    """A pass of the event."""
    plan: ShortText | None = None

    def named(self) -> tuple[str, str]:
        """Return the item and the field that names it. Raises `InvalidInput` for two or none."""
        if self.plan is not None and self.event_id is None and self.pass_id is None:
            return self.plan, "plan"
        if self.event_id is not None and self.plan is None:
            return self.event_id, "eventId" if self.pass_id is None else "passId"
        problem = FieldProblem("items", "must name an eventId, with or without a passId, or a plan")
        raise InvalidInput("The quote is of nothing that is sold.", problems=(problem,))


class AskQuote(WireModel):
    """Asks what something costs now."""

    example: ClassVar = {"items": {"eventId": "event_456"}, "quantity": 2, "currency": "INR"}

    items: QuotedItem
    quantity: Quantity = 1
    coupon_code: ShortText | None = None
    currency: CurrencyCode | None = Field(None, examples=["USD"])

    def to_wanted(self, default_currency: str) -> Wanted:
        """Return the request as the operation takes it. Raises `InvalidInput`."""
        item, field = self.items.named()
        return Wanted(
            item,
            f"items.{field}",
            self.currency or default_currency,
            self.quantity,
            self.coupon_code,
            self.items.pass_id,
        )


class QuoteLine(Struct, frozen=True, rename="camel", kw_only=True):
    """One line of a quote, `amount` in minor units: the lines add up to the total.

    `item`: `quantity` of it at `unitAmount` each, and the days that a subscription is free for.
    `coupon`: what its code takes off, less than zero.
    """

    kind: Literal["item", "coupon"]
    title: str
    quantity: int = 1
    unit_amount: int
    amount: int
    trial_days: int | None = None
    coupon_code: str | None = None


class QuoteView(Struct, frozen=True, rename="camel"):
    """A total in minor units, and until when a session opens at it by `quoteId`."""

    quote_id: str
    amount: int
    currency: str
    title: str
    lines: list[QuoteLine]
    expires_at: datetime


class QuoteAnswer(Struct, frozen=True, rename="camel"):
    """One quote."""

    quote: QuoteView


def quote_view(offered: Offered) -> QuoteView:
    """Show a quote."""
    held, priced = offered.held, offered.priced
    title = priced.price.title or held.pass_id or held.item
    lines = [
        QuoteLine(
            kind="item",
            title=title,
            quantity=held.quantity,
            unit_amount=priced.price.amount,
            amount=priced.subtotal,
            trial_days=held.trial_days,
        )
    ]
    if held.coupon_code is not None:
        less = -priced.discount
        code = held.coupon_code
        line = QuoteLine(kind="coupon", title=code, unit_amount=less, amount=less, coupon_code=code)
        lines.append(line)
    return QuoteView(offered.quote_id, held.amount, held.currency, title, lines, held.expires_at)
