"""Which time is asked about: a period until now, or from one day or moment to another."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from service.analytics.errors import WrongQuestion
from service.analytics.operations.periods import DAY, day_of, start_of, week_of
from service.analytics.repository.facts import Span
from service.analytics.states import QUARTER, Grain

Period: TypeAlias = Literal["24h", "7d", "30d", "90d", "1y", "all"]
Interval: TypeAlias = Literal["hour", "day", "week", "month"]

MOST: Final = timedelta(days=3 * 366)
"""How long a time may be."""
MOST_LINES: Final = 2_000
_LENGTHS: Final[Mapping[Interval, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": DAY,
    "week": 7 * DAY,
    "month": 28 * DAY,
}
_GRAINS: Final[Mapping[Interval, Grain]] = {"hour": Grain.HOUR, "month": Grain.MONTH}
_PERIODS: Final[Mapping[Period, timedelta]] = {
    "24h": DAY,
    "7d": 7 * DAY,
    "30d": 30 * DAY,
    "90d": 90 * DAY,
    "1y": 365 * DAY,
    "all": MOST,
}


def span_of(period: Period, now: datetime) -> Span:
    """Return a period until now; `all` are the last three years."""
    return now - _PERIODS[period], now


def before(span: Span) -> Span:
    """Return the time before that is as long."""
    return span[0] - (span[1] - span[0]), span[0]


def between(
    start: datetime | date | None, end: datetime | date | None, now: datetime, zone: ZoneInfo
) -> Span:
    """Return a time of a caller's; of a day, all of it. By default the last 30 days until now.

    Raises `WrongQuestion` for one that is reversed, too long or yet to come.
    """
    until = now if end is None else _moment(end, zone, after=True)
    since = until - 30 * DAY if start is None else _moment(start, zone, after=False)
    if since >= until:
        raise WrongQuestion("startDate", "must be before endDate")
    if since > now:
        raise WrongQuestion("startDate", "is yet to come")
    if until - since > MOST:
        raise WrongQuestion("startDate", f"must be at most {MOST.days} days before endDate")
    return since, until


def require_few(span: Span, interval: Interval) -> None:
    """Refuse a time with too many lines. Raises `WrongQuestion`."""
    if (span[1] - span[0]) / _LENGTHS[interval] > MOST_LINES:
        raise WrongQuestion("interval", f"makes more than {MOST_LINES} lines: take a longer one")


def grain_of(interval: Interval) -> Grain:
    """Return what is told apart at least by an interval."""
    return _GRAINS.get(interval, Grain.DAY)


def begin_of(at: datetime, interval: Interval, zone: ZoneInfo, first_weekday: int) -> datetime:
    """Return when the hour, day, week or month of a moment begins."""
    if interval == "hour":
        wall = at.astimezone(zone)
        return at - timedelta(
            minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond
        )
    day = day_of(at, zone)
    if interval == "week":
        day = week_of(day, first_weekday)
    return start_of(day.replace(day=1) if interval == "month" else day, zone)


def following(at: datetime, interval: Interval, zone: ZoneInfo, first_weekday: int) -> datetime:
    """Return when the hour, day, week or month after one begins."""
    further = {"hour": timedelta(hours=1), "day": DAY, "week": 7 * DAY, "month": 31 * DAY}
    if interval == "hour":
        return begin_of(at + further[interval], interval, zone, first_weekday)
    # By the calendar: a day may have 22 hours or 26.
    day = day_of(at, zone) + further[interval]
    return begin_of(start_of(day, zone), interval, zone, first_weekday)


def _moment(given: datetime | date, zone: ZoneInfo, *, after: bool) -> datetime:
    if isinstance(given, datetime):
        return given.astimezone(UTC)
    return start_of(given + DAY if after else given, zone)


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return times, those that follow one another as one."""
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and found[-1][1] == since:
            found[-1] = (found[-1][0], until)
        else:
            found.append((since, until))
    return found


def spans_of(buckets: Iterable[datetime]) -> list[Span]:
    """Return the times of quarter-hours, those that follow one another as one."""
    return joined((at, at + QUARTER) for at in buckets)


def apart_from(span: Span, taken: Sequence[Span]) -> list[Span]:
    """Return what is left of a time beside others, which are in it and in order."""
    found, at = [], span[0]
    for since, until in taken:
        if at < since:
            found.append((at, since))
        at = until
    return [*found, (at, span[1])] if at < span[1] else found
