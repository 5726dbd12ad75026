"""One price, one coupon."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from pydantic import Field
from pymongo import ASCENDING, IndexModel

from service.providers.subscribed import Interval
from service.storage.documents import StoredDocument


class Product(Struct, frozen=True):
    """What is sold as a whole: a plan, an event, or a pass of an event.

    `item` is the plan or the event. A price belongs to all of it: an event's price is not that of
    its passes, and a pass has no price without its event.
    """

    item: str
    pass_id: str | None = None

    def __str__(self) -> str:
        """Describe it for people."""
        return repr(self.item) if self.pass_id is None else f"{self.pass_id!r} of {self.item!r}"


class Price(StoredDocument):
    """What one unit of an item costs in one currency. `item` is a plan or an event.

    With `pass_id` it is the price of that pass of the event. `amount` is in minor units.
    `trial_days`: a subscription begins without a payment. `max_quantity`: the most that one
    session sells, None for no limit of its own.

    Of a plan, `provider_prices` are the providers' ids of the price that a subscription to it is
    opened with, by provider, and `interval` is how long what it costs lasts, times
    `interval_count`: None leaves that to the provider.
    """

    merchant_id: str
    item: str
    pass_id: str | None = None
    currency: str
    amount: int
    max_quantity: int | None = None
    title: str | None = None
    trial_days: int | None = None
    interval: Interval | None = None
    interval_count: int = 1
    provider_prices: dict[str, str] = Field(default_factory=dict)
    updated_at: datetime

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    @property
    def product(self) -> Product:
        """Return what it is a price of."""
        return Product(self.item, self.pass_id)

    class Settings:
        """Collection and indexes."""

        name = "prices"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("item", ASCENDING),
                    ("passId", ASCENDING),
                    ("currency", ASCENDING),
                ],
                name="merchant_item_pass_currency",
                unique=True,
            )
        ]


class Coupon(StoredDocument):
    """A code that lowers a total: by a percentage, or by an amount in one currency.

    `basis_points` is hundredths of a percent (2500 = 25 %), `amount` is in minor units.
    """

    merchant_id: str
    code: str
    basis_points: int | None = None
    amount: int | None = None
    currency: str | None = None
    expires_at: datetime | None = None
    updated_at: datetime

    optional_money_fields: ClassVar[tuple[str, ...]] = ("amount", "basisPoints")

    class Settings:
        """Collection and indexes."""

        name = "coupons"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("code", ASCENDING)], name="merchant_code", unique=True
            )
        ]
