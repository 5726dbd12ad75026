"""Read a month of a merchant's zone."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from service.analytics.operations.asking import ask_one
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import day_of, month_of, span_of_month
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.states import Part
from service.reports.errors import NoSuchMonth

_PARTS: Final = (Part.ITEM, Part.PROVIDER)


class Month(Struct, frozen=True):
    """A month: its first day, when it begins and ends, and what happened in it until now."""

    first: date
    span: Span
    buckets: Sequence[Bucket]


def named_month(text: str | None, shown: Shown) -> tuple[int, int]:
    """Return the year and month that are meant, without a name this month's.

    Raises `NoSuchMonth` for what is none, and for one that is yet to come.
    """
    today = day_of(shown.as_of, shown.zone)
    if text is None:
        return today.year, today.month
    found = month_of(text)
    if found is None:
        raise NoSuchMonth("must be a month as 2026-11, from 2000 on")
    if found > (today.year, today.month):
        raise NoSuchMonth("is yet to come")
    return found


async def read_month(shown: Shown, year: int, month: int) -> Month:
    """Return what happened in a month. Raises `NoSuchCurrency`, and `Unavailable`."""
    begins, ends = span_of_month(year, month, shown.zone)
    buckets = await ask_one(shown, (begins, min(ends, shown.as_of)), _PARTS)
    return Month(date(year, month, 1), (begins, ends), buckets)
