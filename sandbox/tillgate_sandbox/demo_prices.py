"""A few prices, so that the first session can be opened with a publishable key."""

from datetime import datetime

from service.catalog.documents import Coupon, Price
from service.catalog.operations.prices import list_catalog, set_coupon, set_price
from service.core.principal import Principal

# item, minor units, currency, title
_PRICES = (
    ("event_456", 1_000, "INR", "One evening"),
    ("event_456", 1_000, "USD", "One evening"),
    ("basic", 999, "USD", "Basic, a month"),
    ("basic", 79_900, "INR", "Basic, a month"),
    ("premium", 2_999, "USD", "Premium, a month"),
    ("premium", 249_900, "INR", "Premium, a month"),
)
# An event has many seats; a plan is bought once.
_MOST = {"event_456": 10, "basic": 1, "premium": 1}
_TEN_PERCENT = 1_000


async def put_demo_prices(by: Principal, now: datetime) -> bool:
    """Fill an empty catalog; return whether it was empty."""
    prices, coupons = await list_catalog(by.merchant_id)
    if prices or coupons:
        return False
    for item, amount, currency, title in _PRICES:
        price = Price(
            merchant_id=by.merchant_id,
            item=item,
            currency=currency,
            amount=amount,
            title=title,
            max_quantity=_MOST[item],
            updated_at=now,
        )
        await set_price(price, by)
    coupon = Coupon(
        merchant_id=by.merchant_id, code="WELCOME10", basis_points=_TEN_PERCENT, updated_at=now
    )
    await set_coupon(coupon, by)
    return True
