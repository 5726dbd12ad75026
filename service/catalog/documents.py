"""One price, one coupon."""

from datetime import datetime
from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from service.storage.documents import StoredDocument


class Price(StoredDocument):
    """What one unit of an item costs in one currency. `item` is a plan, a pass or an event.

    `amount` is in minor units. `trial_days`: a subscription begins without a payment.
    """

    merchant_id: str
    item: str
    currency: str
    amount: int
    title: str | None = None
    trial_days: int | None = None
    updated_at: datetime

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    class Settings:
        """Collection and indexes."""

        name = "prices"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("item", ASCENDING), ("currency", ASCENDING)],
                name="merchant_item_currency",
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
