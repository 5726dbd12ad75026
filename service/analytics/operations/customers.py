"""Who paid, by when each payment was first heard of: days of it that are kept, else payments."""

from contextlib import aclosing
from typing import Final

from service.analytics.operations.paying import Customers, Packed, added_up, packed
from service.analytics.operations.periods import DAY, utc_day
from service.analytics.operations.spans import apart_from
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S
from service.analytics.repository import customers, facts
from service.analytics.repository.customers import Paying
from service.analytics.repository.facts import Span
from service.payments.payments.documents import Payment
from service.storage.database import EMPTY_TIME, earlier
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

MOST_PAYMENTS: Final = 500_000
"""Of so many one answer is made at most."""
_WITHIN_S: Final = 20.0


class TooMany(Exception):
    """More payments than one answer is made of."""


class _Found:
    """Payments that were found, packed, and how many they are."""

    def __init__(self) -> None:
        """Begin with none."""
        self.some: list[Packed] = []
        self.n = 0

    def add(self, n: int, of: Packed) -> None:
        """Add some. Raises `TooMany`."""
        self.n += n
        if self.n > MOST_PAYMENTS:
            raise TooMany
        self.some.append(of)


async def customers_of(merchant_id: str, currency: str, span: Span) -> Customers:
    """Add up who paid in a time, as of one moment. Raises `TooMany`, `Unavailable`."""

    async def work(tx: Transaction) -> _Found:
        found = _Found()
        kept = await _add_kept(found, merchant_id, currency, span, tx)
        left = Paying(merchant_id, apart_from(span, kept), currency)
        most = MOST_PAYMENTS - found.n + 1
        async with aclosing(customers.paid_within(left, most, tx)) as paid:
            async for rows in paid:
                found.add(len(rows), packed(rows))
        return found

    return await added_up((await in_transaction(work, _WITHIN_S)).some)


async def _add_kept(
    found: _Found, merchant_id: str, currency: str, span: Span, tx: Transaction
) -> list[Span]:
    """Add the days that are kept and in which nothing has changed since; return which."""
    state = await facts.state_of(merchant_id, tx)
    if state is None or state.customers_until is None:
        return []
    seen = earlier(state.seen.get(Payment.collection_name(), EMPTY_TIME), COMMITTED_WITHIN_S)
    changed = await customers.days_written(merchant_id, seen, tx)
    first = utc_day(span[0])
    begins = first if first == span[0] else first + DAY
    whole = begins, min(utc_day(span[1]), state.customers_until)
    days: list[Span] = []
    async with aclosing(customers.kept_within(merchant_id, currency, whole, changed, tx)) as kept:
        async for row in kept:
            if currency in row["paid"]:
                found.add(row["n"][currency], row["paid"][currency])
            days.append((row["day"], row["day"] + DAY))
    return days
