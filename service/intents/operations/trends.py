"""Quarters of an hour folded into the hours, days, weeks and months of a zone. Pure."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.intents.repository import QuarterSum
from service.intents.states import Period


class Trend(Struct, frozen=True):
    """The leads of a time, and what those of one currency ask for, in minor units."""

    name: str
    count: int
    amount: int


class Trends(Struct, frozen=True):
    """Leads by hour of the day (00 to 23), day, ISO week and month, also where there are none."""

    hourly: Sequence[Trend]
    daily: Sequence[Trend]
    weekly: Sequence[Trend]
    monthly: Sequence[Trend]


def trends_of(quarters: Iterable[QuarterSum], currency: str, period: Period) -> Trends:
    """Fold quarters; counts are of all currencies, amounts of one."""
    zone = ZoneInfo(period.zone)
    local = [(one.at.astimezone(zone), one) for one in quarters]
    days = _days(period, zone)
    return Trends(
        hourly=_fold(local, currency, _hour, [f"{hour:02}" for hour in range(24)]),
        daily=_fold(local, currency, _day, [_day(day) for day in days]),
        weekly=_fold(local, currency, _week, [_week(day) for day in days]),
        monthly=_fold(local, currency, _month, [_month(day) for day in days]),
    )


def _fold(
    local: Sequence[tuple[datetime, QuarterSum]],
    currency: str,
    name: Callable[[datetime], str],
    names: Iterable[str],
) -> list[Trend]:
    sums = {one: [0, 0] for one in names}
    for at, quarter in local:
        of = sums.setdefault(name(at), [0, 0])
        of[0] += quarter.count
        of[1] += quarter.amount if quarter.currency == currency else 0
    return [Trend(one, count, amount) for one, (count, amount) in sums.items()]


def _days(period: Period, zone: ZoneInfo) -> list[datetime]:
    """Return noon of each day of a time: it is on no change of the clocks."""
    first = period.since.astimezone(zone).replace(hour=12, minute=0, second=0, microsecond=0)
    last = (period.until - timedelta(milliseconds=1)).astimezone(zone).date()
    return [first + timedelta(days=n) for n in range((last - first.date()).days + 1)]


def _hour(at: datetime) -> str:
    return f"{at.hour:02}"


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _week(at: datetime) -> str:
    year, week, _ = at.isocalendar()
    return f"{year}-W{week:02}"


def _month(at: datetime) -> str:
    return f"{at.year}-{at.month:02}"
