"""What a lead's amount and its days mean. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.core.money import LARGEST_AMOUNT

MOST_SESSIONS: Final = 10
"""How many sessions a lead remembers as its own."""

# As JSON writes numbers, with the exponent bounded: `1e999999999` is a number of a gigabyte.
_AMOUNT = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,16})?(?:[eE][+-]?[0-9]{1,2})?")


class Period(Struct, frozen=True):
    """A merchant's time, its end excluded; days begin in `zone` (IANA)."""

    since: datetime
    until: datetime
    zone: str


def minor_units(text: str, places: int) -> int | None:
    """Return an amount in major units as minor ones of a currency with so many decimals.

    Exact: None for what is no such number, too fine for the currency, or beyond 53 bits.
    """
    if not _AMOUNT.fullmatch(text):
        return None
    minor = Decimal(text).scaleb(places)
    if minor != minor.to_integral_value() or minor > LARGEST_AMOUNT:
        return None
    return int(minor)


def begin_of(day: date, zone: str) -> datetime:
    """Return the moment at which a day begins in a zone, in UTC."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def days_before(moment: datetime, days: int, zone: str) -> datetime:
    """Return the begin of the first of so many days, of which the last is that of a moment."""
    last = moment.astimezone(ZoneInfo(zone)).date()
    return begin_of(last - timedelta(days=days - 1), zone)
