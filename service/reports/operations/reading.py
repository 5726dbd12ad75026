"""Read a month of a merchant's zone."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from service.analytics.operations.asking import ask_one
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import day_of, month_of, span_of_month
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.core.paging import Cursor
from service.reports import repository
from service.reports.documents import ClosedReport
from service.reports.errors import NoSuchMonth
from service.reports.operations.verifying import whole
from service.reports.states import name_of
from service.storage.answering import answers_in_time

PARTS: Final = (Part.ITEM, Part.PROVIDER)


class Month(Struct, frozen=True):
    """A month: its first day, when it begins and ends, and what happened in it until now."""

    first: date
    span: Span
    buckets: Sequence[Bucket]


def named_month(text: str | None, shown: Shown) -> date:
    """Return the first day of the month that is meant, without a name this month's.

    Raises `NoSuchMonth` for what is none, and for one that is yet to come.
    """
    today = day_of(shown.as_of, shown.zone).replace(day=1)
    if text is None:
        return today
    found = month_of(text)
    if found is None:
        raise NoSuchMonth("must be a month as 2026-11, from 2000 on")
    first = date(*found, 1)
    if first > today:
        raise NoSuchMonth("is yet to come")
    return first


async def find_closed(shown: Shown, first: date, zone: str | None) -> ClosedReport | None:
    """Return the report of a month as it was closed, None where it is not.

    Who names another `zone` than the report has asks about other days: these are never closed.
    Raises `ReportAltered`, and `Unavailable`.
    """
    found = await _find(shown, first)
    return whole(found) if found and zone in {None, found.timezone} else None


async def _find(shown: Shown, first: date) -> ClosedReport | None:
    async with answers_in_time():
        return await repository.find(_id_of(shown, first))


async def list_reports(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[ClosedReport], Cursor | None]:
    """Return a page of a merchant's closed months, the last closed first. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page(merchant_id, cursor=cursor, limit=limit)


async def find_refusal(shown: Shown, first: date) -> str | None:
    """Return why a month can't be closed, None where nothing is known of that."""
    async with answers_in_time():
        found = await repository.refusal(_id_of(shown, first))
    return found.reason if found else None


async def read_month(shown: Shown, first: date) -> Month:
    """Return what happened in a month. Raises `NoSuchCurrency`, and `Unavailable`.

    In the merchant's own zone it begins where the report of the month before ends.
    """
    begins, ends = span_of_month(first.year, first.month, shown.zone)
    before = await _find(shown, (first - timedelta(days=1)).replace(day=1))
    if before is not None and shown.timezone == shown.merchant.zone:
        begins = before.ends_at
    span = begins, max(begins, min(ends, shown.as_of))
    buckets = await ask_one(shown, span, PARTS, Grain.DAY)
    return Month(first, (begins, ends), buckets)


def _id_of(shown: Shown, first: date) -> str:
    return repository.id_of(shown.merchant.id, shown.currency, name_of(first))
