"""Forget the days of customers of which a payment has changed; the job makes them anew."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from service.analytics.operations.periods import utc_day
from service.analytics.repository import customers, facts
from service.storage.database import Row
from service.storage.transaction import Transaction


async def forget_days_of(
    payments: Collection[Row],
    known: Mapping[str, Row],
    heard: Mapping[str, datetime],
    tx: Transaction,
) -> None:
    """Forget the days of payments that were changed since they were read last.

    They are facts, of those that are `known` by their ids; `heard` says when each payment was first
    heard of. One may have been another merchant's before.
    """
    days: dict[str, set[datetime]] = defaultdict(set)
    for one in payments:
        before = known.get(one["_id"], one)
        if before is one or before["sourceAt"] != one["sourceAt"]:
            for merchant_id in {one["merchantId"], before["merchantId"]}:
                days[merchant_id].add(utc_day(heard[one["_id"]]))
    for merchant_id, changed in sorted(days.items()):
        await _forget(merchant_id, changed, tx)


async def _forget(merchant_id: str, days: Collection[datetime], tx: Transaction) -> None:
    state = await facts.state_of(merchant_id, tx)
    if state is None or state.customers_until is None:
        return
    made = {day for day in days if day < state.customers_until}
    if made:
        await customers.remove(merchant_id, made, tx)
        left = sorted(made.union(state.customers_left))
        await facts.keep_state(state.model_copy(update={"customers_left": left}), tx)
