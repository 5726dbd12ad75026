"""Keep what each customer paid on a UTC day that is over, and no day of which a payment changed."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Final

from service.analytics.documents import CustomerDay
from service.analytics.operations.paying import packed
from service.analytics.operations.periods import DAY, utc_day
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import customers, facts
from service.analytics.repository.customers import Paying
from service.core.batches import Until
from service.core.clock import EARLIEST, Clock
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

_MOST: Final = 100_000
_MOST_BYTES: Final = 8_000_000
"""Half of what a document holds. A day with more than either is not kept."""


async def make_customer_days(
    merchant_id: str, clock: Clock, lease: Held | None, until: Until
) -> int:
    """Keep the days of a merchant that are over and are not kept; return how many were looked at.

    Goes on where it was stopped. Raises `Unavailable`, `LeaseLost`.
    """
    today, done = utc_day(clock.now()), 0
    async with answers_in_time(WITHIN_S):
        state = await facts.state_of(merchant_id, NO_TRANSACTION)
    until_today = state is not None and (state.customers_until or EARLIEST) >= today
    more = state is not None and (bool(state.customers_left) or not until_today)
    while more and not until.over:
        async with until.part():
            more = await under(lease, partial(_next, merchant_id, today), WITHIN_S)
        done += more
    return done


async def _next(merchant_id: str, today: datetime, tx: Transaction) -> bool:
    """Keep the first day that is to be made anew, or the next one; return whether there was one."""
    state = await facts.state_of(merchant_id, tx)
    if state is None:
        return False
    if state.customers_until is None:
        await customers.remove(merchant_id, None, tx)
        state = state.model_copy(update={"customers_left": []})
    changed: list[datetime] = sorted(state.customers_left)
    until: datetime | None = state.customers_until
    if changed:
        day = changed[0]
    else:
        first = await customers.first_after(merchant_id, until, tx)
        day = min(today, utc_day(first)) if first is not None else today
        until = max(until or day, min(day + DAY, today))
    if day < today:
        await _replace(merchant_id, day, tx)
    update = {"customers_until": until, "customers_left": changed[1:]}
    await facts.keep_state(state.model_copy(update=update), tx)
    return day < today


async def _replace(merchant_id: str, day: datetime, tx: Transaction) -> None:
    await customers.remove(merchant_id, [day], tx)
    rows: list[Row] = []
    paying = Paying(merchant_id, [(day, day + DAY)], None)
    async with aclosing(customers.paid_within(paying, _MOST + 1, tx)) as paid:
        async for some in paid:
            rows += some
    if len(rows) <= _MOST:
        row = _row_of(rows)
        if sum(len(part) for parts in row["paid"].values() for part in parts) <= _MOST_BYTES:
            row |= {"merchantId": merchant_id, "day": day}
            await customers.add(CustomerDay.new_row(row), tx)


def _row_of(payments: Sequence[Row]) -> Row:
    of_each: dict[str, list[Row]] = defaultdict(list)
    for row in payments:
        of_each[row["currency"]].append(row)
    return {
        "n": {currency: len(of) for currency, of in of_each.items()},
        "paid": {currency: packed(of) for currency, of in of_each.items()},
    }
