"""What can be wrong with a price."""

from service.core.errors import FieldProblem, InvalidInput, NotFound


class ItemHasNoPrice(InvalidInput):
    """The catalog knows no price of this item in this currency."""

    code = "item_has_no_price"

    def __init__(self, field: str, item: str, currency: str) -> None:
        """Name the field that named the item."""
        problem = FieldProblem(field, f"{item!r} has no price in {currency}")
        super().__init__(
            f"The catalog has no price of {item!r} in {currency}. Add one with "
            f"`tillgate prices set {item} AMOUNT {currency}`, or use a secret key.",
            problems=(problem,),
        )


class TotalTooLarge(InvalidInput):
    """So many of the item cost more than an amount can hold."""

    code = "total_too_large"

    def __init__(self, quantity: int) -> None:
        """Name the quantity."""
        problem = FieldProblem("quantity", f"{quantity} of these cost more than an amount holds")
        super().__init__("The total is too large.", problems=(problem,))


class CouponUnknown(InvalidInput):
    """The catalog knows no such coupon, or it is over, or it is for another currency."""

    code = "coupon_unknown"

    def __init__(self, code: str) -> None:
        """Name the code."""
        problem = FieldProblem("couponCode", f"{code!r} is not a coupon that holds now")
        super().__init__("The coupon can't be used.", problems=(problem,))


class PriceNotFound(NotFound):
    """There is no such price or coupon to delete."""

    code = "price_not_found"
