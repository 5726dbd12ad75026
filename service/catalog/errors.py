"""What can be wrong with a price."""

from collections.abc import Sequence

from service.core.errors import FieldProblem, InvalidInput, NotFound


class ItemHasNoPrice(InvalidInput):
    """The catalog has no price of this item in this currency."""

    code = "item_has_no_price"

    def __init__(self, field: str, item: str, pass_id: str | None, currency: str) -> None:
        """Name the field that named the item."""
        what, option = repr(item), ""
        if pass_id is not None:
            what, option = f"{pass_id!r} of {item!r}", f" --pass {pass_id}"
        problem = FieldProblem(field, f"{what} has no price in {currency}")
        super().__init__(
            f"The catalog has no price of {what} in {currency}. Add one with "
            f"`tillgate prices set {item} AMOUNT {currency}{option}`, or use a secret key.",
            problems=(problem,),
        )


class QuantityTooLarge(InvalidInput):
    """The catalog sells fewer of this item at a time."""

    code = "quantity_too_large"

    def __init__(self, most: int) -> None:
        """Name the limit."""
        problem = FieldProblem("quantity", f"must be at most {most}")
        super().__init__(f"At most {most} of these are sold at a time.", problems=(problem,))


class TotalTooLarge(InvalidInput):
    """This quantity of the item costs more than an amount can hold."""

    code = "total_too_large"

    def __init__(self, quantity: int) -> None:
        """Name the quantity."""
        problem = FieldProblem(
            "quantity", f"must be less than {quantity}: so many cost more than an amount holds"
        )
        super().__init__("The total is too large.", problems=(problem,))


class CouponUnknown(InvalidInput):
    """There is no such coupon, or it has expired, or it is for another currency."""

    code = "coupon_unknown"

    def __init__(self, code: str) -> None:
        """Name the code."""
        problem = FieldProblem("couponCode", "is not a coupon that holds now")
        super().__init__(f"The coupon {code!r} can't be used.", problems=(problem,))


class PriceNotFound(NotFound):
    """There is no such price or coupon to delete."""

    code = "price_not_found"


class QuoteUnknown(InvalidInput):
    """The quote's id was not issued to this merchant."""

    code = "quote_unknown"

    def __init__(self) -> None:
        """Name the field; do not reveal whose quote it may be."""
        problem = FieldProblem("quoteId", "is not a quote of this merchant")
        super().__init__("There is no such quote; ask for one.", problems=(problem,))


class QuoteExpired(InvalidInput):
    """The quoted price no longer holds."""

    code = "quote_expired"

    def __init__(self) -> None:
        """Name the field."""
        problem = FieldProblem("quoteId", "is no longer valid")
        super().__init__("The quote has run out; ask for a new one.", problems=(problem,))


class QuoteDiffers(InvalidInput):
    """The quote is for something other than what is being opened."""

    code = "quote_differs"

    def __init__(self, fields: Sequence[str]) -> None:
        """Name the fields that differ."""
        problems = tuple(FieldProblem(field, "is not what was quoted") for field in fields)
        super().__init__("The quote is of something else; ask for a new one.", problems=problems)
