"""Which months of a merchant are not closed yet."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from service.analytics.operations.periods import day_of
from service.analytics.operations.services import Shown
from service.merchants.documents import Merchant
from service.reports import repository
from service.reports.operations.due import next_month
from service.reports.states import month_after, months_until, name_of
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION


class OpenMonth(Struct, frozen=True):
    """A month that is not closed: when it is to be, for the next one; and why it can't be."""

    month: str
    currency: str
    closes_at: datetime | None = None
    refused: str | None = None


async def open_months(shown: Shown, currencies: Sequence[str]) -> list[OpenMonth]:
    """Return the months of each currency that are not closed, until this one; latest first.

    Raises `Unavailable`.
    """
    this = name_of(day_of(shown.as_of, shown.zone))
    found: list[OpenMonth] = []
    async with answers_in_time():
        for currency in currencies:
            found += await _of_currency(shown.merchant, currency, this)
    return sorted(found, key=lambda one: one.month, reverse=True)


async def _of_currency(merchant: Merchant, currency: str, this: str) -> list[OpenMonth]:
    due = await next_month(merchant, currency, NO_TRANSACTION)
    if due is None:
        return []
    refused = await repository.refusal(due.report_id)
    first = OpenMonth(due.month, currency, due.closes_at, refused and refused.reason)
    later = months_until(month_after(due.month), month_after(this))
    return [first, *(OpenMonth(one, currency) for one in later)]
