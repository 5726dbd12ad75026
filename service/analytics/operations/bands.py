"""What is usual of an hour of the week, and what is outside of that. Pure.

Counts are compared by their square roots and shares by the arcsines of theirs: so small ones, too,
scatter by an amount that is known beforehand. A band is never narrower than chance alone is.
"""

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

LEAST: Final = 20
"""Below how many of an hour, or usually, nothing is said."""
FEWEST_WEEKS: Final = 4
_WIDTH: Final = 4.5
_AS_SIGMA: Final = 1.4826
_FEWEST_BAD: Final = 5
_CLEARLY: Final = 0.05
_TENTH: Final = 0.1


class Share(Struct, frozen=True):
    """How many of some went wrong."""

    bad: int
    of: int

    @property
    def value(self) -> float:
        """Return it as a number from 0 to 1."""
        return self.bad / self.of if self.of else 0.0


class Band(Struct, frozen=True):
    """What is unusual: below `low` or above `high`. Most weeks were from `least` to `most`."""

    low: float
    middle: float
    high: float
    least: float
    most: float


def unusual_share(hour: Share, before: Sequence[Share]) -> Band | None:
    """Return the band that a share has risen above; None where it is usual, or too few tell."""
    known = [one.value for one in before if one.of >= LEAST]
    if hour.of < LEAST or hour.bad < _FEWEST_BAD or len(known) < FEWEST_WEEKS:
        return None
    chance = math.sqrt(1 / hour.of)
    band = _band(known, chance, _angle, _share_of)
    clearly = hour.value - band.middle >= _CLEARLY
    return band if clearly and hour.value > band.high else None


def unusual_count(count: int, before: Sequence[int]) -> Band | None:
    """Return the band that a count is outside of; None where it is usual, or too few tell."""
    if len(before) < FEWEST_WEEKS:
        return None
    # Weeks differ by weather and wages, too: more than chance by a tenth of what comes.
    chance = math.hypot(1.0, _TENTH * math.sqrt(median(before)))
    band = _band(before, chance, _root, _count_of)
    if count < band.low and band.middle >= LEAST:
        return band
    return band if count > band.high and count >= 2 * LEAST else None


def _band(
    values: Sequence[float],
    chance: float,
    even: Callable[[float], float],
    back: Callable[[float], float],
) -> Band:
    """Return the band of some values: their median, and as far from it as they scatter (MAD)."""
    evened = [even(one) for one in values]
    middle = median(evened)
    spread = _AS_SIGMA * median(abs(one - middle) for one in evened)
    reach = _WIDTH * max(spread, chance)
    # One week of each end may have been unusual itself.
    ranked = sorted(values)[1:-1]
    return Band(back(middle - reach), back(middle), back(middle + reach), ranked[0], ranked[-1])


def _angle(share: float) -> float:
    return 2 * math.asin(math.sqrt(share))


def _share_of(angle: float) -> float:
    return math.sin(min(max(angle, 0.0), math.pi) / 2) ** 2


def _root(count: float) -> float:
    return 2 * math.sqrt(count)


def _count_of(root: float) -> float:
    return (max(root, 0.0) / 2) ** 2
