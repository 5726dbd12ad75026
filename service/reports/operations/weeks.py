"""Read a week of a merchant's zone, and the one that it is compared with."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.asking import ask
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import (
    DAY,
    FIRST_WEEKDAY,
    Comparison,
    day_of,
    start_of,
    this_week,
    week_of,
)
from service.analytics.operations.retrying import count_who_retried
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.merchants.documents import Merchant
from service.reports.errors import NoSuchWeek

TOLD_AT: Final = 8
"""The hour of a week's first day, in the merchant's zone, from which on the one before is told."""

_FIRST_YEAR: Final = 2000


class Week(Struct, frozen=True):
    """A week: its first day, when it begins and ends, and what happened in it until now.

    `before` is what happened in the equal part of the week before.
    """

    first: date
    span: Span
    buckets: Sequence[Bucket]
    before: Sequence[Bucket]
    users_who_retry: int


def named_week(text: str | None, shown: Shown) -> date:
    """Return the first day of the week that a day is in, without one this week's.

    Weeks begin as the merchant's language has it. Raises `NoSuchWeek` for what is no day, and for
    a week that is yet to come.
    """
    begins = FIRST_WEEKDAY[shown.merchant.language]
    this = week_of(day_of(shown.as_of, shown.zone), begins)
    if text is None:
        return this
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise NoSuchWeek("must be a day of the week as 2026-11-22") from error
    if day.isoformat() != text or day.year < _FIRST_YEAR:
        raise NoSuchWeek(f"must be a day of the week as 2026-11-22, from {_FIRST_YEAR} on")
    if day >= this + 7 * DAY:
        raise NoSuchWeek("is yet to come")
    return week_of(day, begins)


def span_of_week(first: date, zone: ZoneInfo) -> Span:
    """Return when a week begins and ends: by the calendar, since a day may have 23 hours."""
    return start_of(first, zone), start_of(first + 7 * DAY, zone)


async def read_week(shown: Shown, first: date) -> Week:
    """Return what happened in the week from a day on. Raises `NoSuchCurrency`, and `Unavailable`.

    One that is not over is compared with the one before until the same day and time.
    """
    span = span_of_week(first, shown.zone)
    parts = Comparison(span, span_of_week(first - 7 * DAY, shown.zone))
    if shown.as_of < span[1]:
        parts = this_week(shown.as_of, shown.zone, first.weekday())
    buckets, before = await ask(shown, [parts.current], [Part.ITEM], Grain.DAY, [parts.previous])
    retried = await count_who_retried(shown, parts.current)
    return Week(first, span, buckets, before, retried)


def week_told(merchant: Merchant, now: datetime) -> date:
    """Return the first day of the last week that is told of by now."""
    there = now.astimezone(ZoneInfo(merchant.zone)) - timedelta(hours=TOLD_AT)
    return week_of(there.date(), FIRST_WEEKDAY[merchant.language]) - 7 * DAY
