"""What a forecast is made of and says. Pure."""

from datetime import date
from typing import Final

from msgspec import Struct

SEASON: Final = 7
"""Days after which the same is expected again."""
HORIZON: Final = 30
"""How many days ahead is forecast."""
FEWEST: Final = 8 * SEASON
"""How many days must be known: of fewer weeks nobody can tell a week's shape from chance."""
MOST: Final = 730


class Wanted(Struct, frozen=True):
    """A series of whole days without gaps, in minor units, and its season in days."""

    values: list[int]
    season: int = SEASON


class Expected(Struct, frozen=True):
    """A day to come: what is expected, and between what it is in 80 and in 95 of 100 cases."""

    middle: int
    low80: int
    high80: int
    low95: int
    high95: int


class Fitted(Struct, frozen=True):
    """What came of a series: by which method, and the days to come."""

    method: str
    days: list[Expected]


class ForecastDay(Struct, frozen=True, rename="camel", kw_only=True):
    """A day to come, in minor units: what is expected, and its intervals of 80 and 95 percent."""

    date: date
    net_revenue: int
    low80: int
    high80: int
    low95: int
    high95: int


def refusal_of(values: list[int]) -> str | None:
    """Return in words why a series can't be forecast, None where it can."""
    if len(values) < FEWEST:
        return f"{len(values)} whole days are known, and {FEWEST} are needed: eight weeks."
    if len(set(values)) == 1:
        return "Each day came to the same: there is nothing that could be forecast."
    return None
