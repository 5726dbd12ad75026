"""Settings of refunds."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from service.core.money import LARGEST_AMOUNT, currency_exists
from service.core.variables import Days, Group

_EXAMPLE = "write USD:50000,INR:4000000, in minor units"


def _limits(value: object) -> object:
    if not isinstance(value, str):
        return value
    limits: dict[str, int] = {}
    for part in filter(None, map(str.strip, value.split(","))):
        currency, _, amount = part.partition(":")
        currency, amount = currency.strip().upper(), amount.strip()
        if not currency_exists(currency):
            raise ValueError(f"{currency!r} is not a currency of ISO 4217: {_EXAMPLE}")
        if not (amount.isascii() and amount.isdigit() and int(amount) <= LARGEST_AMOUNT):
            raise ValueError(f"{part!r} names no amount: {_EXAMPLE}")
        if currency in limits:
            raise ValueError(f"names {currency} twice")
        limits[currency] = int(amount)
    return limits


Limits = Annotated[Mapping[str, int], NoDecode, BeforeValidator(_limits)]
"""The largest amount of each currency, in minor units: `USD:50000,INR:4000000`."""


class RefundSettings(Group):
    """What is decided once for all refunds."""

    refund_window_days: Days = Field(30, validation_alias="REFUND_WINDOW_DAYS")
    """Days after a payment within which its refund can be requested; who refunds at once is not
    bound by it."""
    refund_limit: Limits = Field({}, validation_alias="REFUND_LIMIT")
    """What a key may refund of one payment at once, for each currency, in minor units
    (`USD:50000,INR:4000000`): beyond it another key must approve. A currency that is not named has
    no limit."""
