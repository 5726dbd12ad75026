"""Months of a merchant's own zone: sums of their days, once they are over."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from service.analytics.documents import FiguresState
from service.analytics.operations.fitting_in import if_it_fits
from service.analytics.operations.month_rows import rows_of_month
from service.analytics.operations.periods import day_of, span_of_month
from service.analytics.repository import facts, longer, rollups
from service.analytics.repository.facts import Span
from service.core.batches import Until
from service.core.clock import Clock
from service.leases.repository import Held
from service.storage.transaction import Transaction


def whole_month(at: datetime, zone: ZoneInfo) -> Span:
    """Return when the month of a moment begins and ends."""
    day = day_of(at, zone)
    return span_of_month(day.year, day.month, zone)


def is_month(span: Span, zone: ZoneInfo) -> bool:
    """Return whether a time is a month, by the rules that the zone has now."""
    return whole_month(span[0], zone) == span


async def make_months(merchant_id: str, clock: Clock, lease: Held | None, until: Until) -> int:
    """Add up the months of a merchant that are over and are not kept; return how many.

    Goes on where it was stopped, as `make_days` does. One with a sum that is more than 64 bits hold
    is passed over: its days answer. Raises `Unavailable`, `LeaseLost`.
    """
    done = 0
    make, pass_over = (partial(one, merchant_id, clock) for one in (_next, _pass_over))
    while not until.over:
        async with until.part():
            made = await if_it_fits(merchant_id, lease, make, pass_over)
        if not made:
            break
        done += made
    return done


async def _next(merchant_id: str, clock: Clock, tx: Transaction) -> int:
    if (due := await _due(merchant_id, clock, tx)) is None:
        return 0
    state, zone, month = due
    rows = await rows_of_month(merchant_id, month, zone, tx)
    await longer.remove_months(merchant_id, month[0], tx)
    await longer.add_months(rows, tx)
    await _keep(state, month[1], tx)
    return 1


async def _pass_over(merchant_id: str, clock: Clock, tx: Transaction) -> int:
    if (due := await _due(merchant_id, clock, tx)) is None:
        return 0
    state, _, month = due
    await longer.remove_months(merchant_id, month[0], tx)
    await _keep(state, month[1], tx)
    return 1


async def _due(
    merchant_id: str, clock: Clock, tx: Transaction
) -> tuple[FiguresState, ZoneInfo, Span] | None:
    """Return the next month of a merchant that is over and not kept, its state and its zone."""
    state = await facts.state_of(merchant_id, tx)
    if state is None or state.zone is None or state.days_from is not None:
        return None
    first = await rollups.first_after(merchant_id, state.months_until, tx)
    if first is None:
        return None
    zone = ZoneInfo(state.zone)
    month = whole_month(first, zone)
    return (state, zone, month) if month[1] <= clock.now() else None


async def forget_months(state: FiguresState, since: datetime, tx: Transaction) -> None:
    """Remove the months of a merchant from the one on that a moment is in: it has changed."""
    begins = whole_month(since, ZoneInfo(str(state.zone)))[0]
    if state.months_until is not None and begins < state.months_until:
        await longer.remove_months(state.id, begins, tx)
        await _keep(state, begins, tx)


async def _keep(state: FiguresState, months_until: datetime, tx: Transaction) -> None:
    await facts.keep_state(state.model_copy(update={"months_until": months_until}), tx)
