"""Read a period, with the time before it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from service.analytics.errors import WrongQuestion
from service.analytics.operations.asking import ask
from service.analytics.operations.customers import MOST_PAYMENTS, TooMany, customers_of
from service.analytics.operations.figures import payers_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.naming import with_items
from service.analytics.operations.paying import Customers
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import before
from service.analytics.repository import live
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.storage.answering import answers_in_time
from service.storage.database import Row

MOST_RECENT: Final = 5


class OfPeriod(Struct, frozen=True):
    """The buckets of a period and of the time before, who paid, and the latest payments."""

    current: Sequence[Bucket]
    previous: Sequence[Bucket]
    payers: int
    recent: Sequence[Row]


async def read_period(shown: Shown, span: Span) -> OfPeriod:
    """Return a period at a glance. Raises `NoSuchCurrency`, and `Unavailable`."""
    current, previous = await ask(shown, [span], [Part.ITEM], Grain.MONTH, [before(span)])
    async with answers_in_time():
        latest = await live.recent_payments(
            shown.merchant.id, shown.currency, MOST_RECENT, came=False, within=span
        )
        recent = await with_items(shown.merchant.id, latest)
    return OfPeriod(current, previous, payers_of(current), recent)


async def read_customers(shown: Shown, span: Span) -> Customers:
    """Return who paid in a period. Raises `WrongQuestion` for too many payments, `Unavailable`."""
    await ask(shown, [(span[1], span[1])])
    try:
        return await customers_of(shown.merchant.id, shown.currency, span)
    except TooMany as error:
        message = f"takes in more than {MOST_PAYMENTS} payments: ask for a shorter one"
        raise WrongQuestion("period", message) from error
