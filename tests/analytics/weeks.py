"""Weeks of a shop, hour by hour, at random and as quarter-hours that were added up."""

import math
import random
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from service.analytics.states import Counts

HOUR = timedelta(hours=1)
SUCCESS = {"stripe": 0.95, "razorpay": 0.91}
SHARE = {"stripe": 1.0, "razorpay": 0.5}


def level(at: datetime) -> float:
    """Return how many payments an hour usually has: few by night, fewer on Sunday."""
    day = 40 + 160 * (1 + math.sin((at.hour - 9) / 24 * 2 * math.pi)) / 2
    night = 25 if at.hour < 5 else day
    return night * (0.6 if at.weekday() == 6 else 1.0)


def usual_rate(provider: str, at: datetime) -> float:
    """Return which share of payments usually succeeds: less by night."""
    return SUCCESS[provider] - (0.25 if at.hour < 5 else 0.0)


def quiet_hours(
    draw: random.Random, begins: datetime, weeks: int
) -> Iterator[tuple[datetime, Mapping[str, Counts]]]:
    """Yield the hours of weeks in which nothing happens, by provider."""
    # Some weeks are better than others, as weather and wages have it.
    moods = [math.exp(draw.gauss(0, 0.08)) for _ in range(weeks)]
    for n in range(weeks * 168):
        at = begins + n * HOUR
        yield at, {name: hour_of(draw, name, at, moods[n // 168]) for name in SUCCESS}


def hour_of(draw: random.Random, provider: str, at: datetime, mood: float = 1.0) -> Counts:
    """Return the counts of one hour."""
    count = _poisson(draw, level(at) * SHARE[provider] * mood)
    rate = usual_rate(provider, at)
    failed = sum(draw.random() > rate for _ in range(count))
    return {"payment": count, "failed": failed, "paid": count - failed}


def _poisson(draw: random.Random, mean: float) -> int:
    """Draw how many come in a time, each by itself: those within `mean` of waiting."""
    count, waited = 0, draw.expovariate(1.0)
    while waited < mean:
        count, waited = count + 1, waited + draw.expovariate(1.0)
    return count
