"""Days, weeks and months of a zone, and which parts of them are compared. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.repository.facts import Span
from service.analytics.states import QUARTER

DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
_FEW_DAYS: Final = 5 * DAY // QUARTER
_SUNDAY, _MONDAY = 6, 0
FIRST_WEEKDAY: Final[Mapping[str, int]] = {"en": _SUNDAY, "de": _MONDAY}
"""On which weekday weeks begin, by a merchant's language; Monday is 0."""
LABELS: Final = tuple(f"{(hour - 1) % 12 + 1} {'AM' if hour < 12 else 'PM'}" for hour in range(24))
"""The hours of a day as they are written with AM and PM."""


class Comparison(Struct, frozen=True):
    """A part of a time until now, and the equal part of the time before."""

    current: Span
    previous: Span


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins: where clocks skip midnight, that is the moment of the change."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(at: datetime, zone: ZoneInfo) -> date:
    """Return which day a moment belongs to.

    Days follow one another: where clocks went back over midnight the former one does not go on.
    """
    wall = at.astimezone(zone)
    day = wall.date()
    return day + DAY if wall.fold and at >= start_of(day + DAY, zone) else day


def offsets_within(span: Span, zone: ZoneInfo) -> dict[str, int]:
    """Return how many minutes clocks are ahead of UTC, by the minute of a time from which on.

    Since 2000 none have changed twice within five days.
    """

    def offset(quarter: int) -> int:
        wall = (span[0] + quarter * QUARTER).astimezone(zone)
        return (wall.utcoffset() or timedelta()) // MINUTE

    found = {"0": offset(0)}
    last = (span[1] - span[0]) // QUARTER - 1
    for first in range(0, last, _FEW_DAYS):
        until = min(first + _FEW_DAYS, last)
        then = offset(until)
        if then != offset(first):
            some = range(first, until)
            changed = first + bisect_left(some, True, key=lambda at: offset(at) == then)
            found[str(changed * QUARTER // MINUTE)] = then
    return found


def utc_day(at: datetime) -> datetime:
    """Return when the UTC day of a moment begins."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def week_of(day: date, first_weekday: int) -> date:
    """Return the first day of the week that a day is in."""
    return day - ((day.weekday() - first_weekday) % 7) * DAY


def days_between(since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[date]:
    """Yield each day of a time, the first and the last also where only a part is in it."""
    day, last = day_of(since, zone), day_of(max(since, until - timedelta(microseconds=1)), zone)
    while day <= last:
        yield day
        day += DAY


def last_days(days: int, now: datetime, zone: ZoneInfo) -> Span:
    """Return the last days until now, today's part included."""
    return start_of(day_of(now, zone) - (days - 1) * DAY, zone), now


def today(now: datetime, zone: ZoneInfo) -> Comparison:
    """Return today until now, and yesterday until the same time of the day."""
    day = day_of(now, zone)
    return _compared(day, day - DAY, now, day - DAY, zone)


def this_week(now: datetime, zone: ZoneInfo, first_weekday: int) -> Comparison:
    """Return this week until now, and the last one until the same day and time."""
    day = day_of(now, zone)
    begins = week_of(day, first_weekday)
    return _compared(begins, begins - 7 * DAY, now, day - 7 * DAY, zone)


def this_month(now: datetime, zone: ZoneInfo) -> Comparison:
    """Return this month until now, and the last one until the same day and time.

    Where the last one has no such day, all of it.
    """
    day = day_of(now, zone)
    begins = day.replace(day=1)
    before = (begins - DAY).replace(day=1)
    same = before + (day - begins)
    if same >= begins:
        return Comparison(
            (start_of(begins, zone), now), (start_of(before, zone), start_of(begins, zone))
        )
    return _compared(begins, before, now, same, zone)


def _compared(
    begins: date, before: date, now: datetime, same_day: date, zone: ZoneInfo
) -> Comparison:
    wall = now.astimezone(zone)
    same = datetime.combine(same_day, wall.time(), zone).replace(fold=wall.fold).astimezone(UTC)
    first = start_of(before, zone)
    return Comparison(
        (start_of(begins, zone), now), (first, max(first, min(same, start_of(begins, zone))))
    )


def month_of(text: str) -> tuple[int, int] | None:
    """Return the year and the month of `2026-11`; None where it is no month."""
    year, dash, month = text.partition("-")
    if not (dash and year.isdecimal() and month.isdecimal() and text.isascii()):
        return None
    if len(year) != 4 or len(month) != 2 or not 1 <= int(month) <= 12 or int(year) < 2000:
        return None
    return int(year), int(month)


def span_of_month(year: int, month: int, zone: ZoneInfo) -> Span:
    """Return when a month begins and ends."""
    following = date(year + month // 12, month % 12 + 1, 1)
    return start_of(date(year, month, 1), zone), start_of(following, zone)
