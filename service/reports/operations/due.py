"""Which month of a merchant is to be closed next, and when."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.periods import day_of, start_of
from service.analytics.repository.facts import Span
from service.merchants.documents import Merchant
from service.reports import repository
from service.reports.states import first_of, month_after, name_of
from service.storage.transaction import Transaction

DAYS_AFTER: Final = 3
"""How many days after its end a month is closed: until then providers report what came late."""

_FIRST_BEFORE: Final = timedelta(days=3 * 366)
"""How long before a merchant was entered its first month may be: all before that is adjusted."""


class Due(Struct, frozen=True):
    """The next month of a merchant in a currency: its time, and from when on it is closed."""

    merchant: Merchant
    currency: str
    month: str
    span: Span
    closes_at: datetime

    @property
    def report_id(self) -> str:
        """Return the id that its report will have."""
        return repository.id_of(self.merchant.id, self.currency, self.month)


async def next_month(merchant: Merchant, currency: str, tx: Transaction) -> Due | None:
    """Return the month that follows the last closed one, or the first that has anything.

    It begins where that one ended, so that reports have neither a gap nor anything twice when the
    merchant moved to another zone. None where there is nothing in that currency. What is much
    older than the merchant is told as adjustments: one imported session of 1970 would have 680
    months closed, nearly all of them empty.
    """
    zone = ZoneInfo(merchant.zone)
    last = await repository.last(merchant.id, currency, tx)
    if last is not None:
        month, begins = month_after(last.month), last.ends_at
    else:
        since = merchant.created_at - _FIRST_BEFORE
        found = await repository.first_at(merchant.id, currency, tx, since)
        if found is None:
            return None
        month = name_of(day_of(found, zone))
        begins = start_of(first_of(month), zone)
    following = first_of(month_after(month))
    span = begins, start_of(following, zone)
    closes_at = start_of(_days_after(following), zone)
    return Due(merchant, currency, month, span, closes_at)


def _days_after(following: date) -> date:
    return following + timedelta(days=DAYS_AFTER)
