"""Mark what is to be counted beside the ledger: webhooks, in and out, and tracked events.

A quarter-hour is counted once it is over and settled. Whoever writes a row later than that says so
in the row, and the job marks its quarter-hour in the transaction that takes this back.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from service.analytics.documents import FiguresState
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import facts, series
from service.analytics.states import quarter_of
from service.core.batches import Until
from service.core.clock import Clock
from service.core.lateness import LATE_AFTER
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

SERIES_NAME: Final = "webhooks"
"""How operators call it."""
SETTLES: Final = LATE_AFTER + timedelta(minutes=10)
"""How long after its end a quarter-hour is counted: so far apart may the clocks of processes be."""
_AT_ONCE: Final = timedelta(days=1)


async def mark_series(merchant_id: str, clock: Clock, lease: Held | None, until: Until) -> None:
    """Mark the quarter-hours that are over, and those that late rows are in.

    Raises `Unavailable`, `LeaseLost`.
    """
    more = True
    while more and not until.over:
        settled = quarter_of(clock.now() - SETTLES)
        async with answers_in_time(WITHIN_S):
            state = await facts.state_of(merchant_id, NO_TRANSACTION)
            is_new = state is None or state.series_until is None or state.series_until < settled
            if not is_new and not await series.late(merchant_id, NO_TRANSACTION):
                return
        more = await under(lease, partial(_mark, merchant_id, settled, clock.now()), WITHIN_S)


async def _mark(merchant_id: str, settled: datetime, now: datetime, tx: Transaction) -> bool:
    """Mark some; return whether there are more."""
    state = await facts.state_of(merchant_id, tx) or FiguresState(id=merchant_id, read_at=now)
    begins = state.series_until or await series.begins(merchant_id, tx) or settled
    ends = max(begins, min(settled, begins + _AT_ONCE))
    found = await series.quarters(merchant_id, (begins, ends), tx) if begins < ends else set()
    times, more = await series.take_late(merchant_id, tx)
    # What is in a quarter-hour that was not counted yet will be with it.
    found |= {at for at in map(quarter_of, times) if at < ends}
    await facts.mark({(merchant_id, at): 0 for at in found}, tx, series=1)
    await facts.keep_state(state.model_copy(update={"series_until": ends}), tx)
    return more or ends < settled
