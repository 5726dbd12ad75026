"""Keep the days of a merchant's own zone as its quarter-hours are."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from service.analytics.documents import FiguresState
from service.analytics.operations.days import days_of, rows_of_days, whole_day
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.periods import DAY, day_of
from service.analytics.operations.spans import joined
from service.analytics.repository import days, facts, rollups
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import Wanted
from service.analytics.states import Part
from service.core.batches import Until
from service.leases.operations import under
from service.leases.repository import Held
from service.merchants import repository as merchants
from service.merchants.documents import FIRST_ZONE
from service.storage.transaction import Transaction

_DAYS_AT_ONCE = 31
_WITHIN_S = 20.0


async def remake_touched(
    merchant_id: str, made: Sequence[Bucket], replaced: Collection[datetime], tx: Transaction
) -> None:
    """Add the days up anew that some quarter-hours are in, in the transaction that replaces these.

    `made` are the buckets that were put in their place.
    """
    state = await facts.state_of(merchant_id, tx)
    if state is not None and state.zone is not None:
        touched = days_of(replaced, ZoneInfo(state.zone))
        await _make(state, touched, made, replaced, tx)


async def make_days(merchant_id: str, lease: Held | None, until: Until) -> int:
    """Add up all days of a merchant whose zone is another one than before; return how many.

    Goes on where it was stopped. Raises `Unavailable`, `LeaseLost`.
    """
    done, begun = 0, await under(lease, partial(_begin, merchant_id), _WITHIN_S)
    while begun and not until.over:
        n = await under(lease, partial(_go_on, merchant_id), _WITHIN_S)
        done, begun = done + n, n > 0
    return done


async def _begin(merchant_id: str, tx: Transaction) -> bool:
    """Forget all days where the zone is another one; return whether some are to be made."""
    state, merchant = await facts.state_of(merchant_id, tx), await merchants.find(merchant_id, tx)
    zone = merchant.zone if merchant is not None else FIRST_ZONE
    if state is None:
        return False
    if state.zone != zone:
        await days.remove_all(merchant_id, tx)
        first = await rollups.first_after(merchant_id, None, tx)
        state = state.model_copy(update={"zone": zone, "days_from": first})
        await facts.keep_state(state, tx)
    return state.days_from is not None


async def _go_on(merchant_id: str, tx: Transaction) -> int:
    state = await facts.state_of(merchant_id, tx)
    if state is None or state.zone is None or state.days_from is None:
        return 0
    zone = ZoneInfo(state.zone)
    first = day_of(state.days_from, zone)
    some = [whole_day(first + n * DAY, zone) for n in range(_DAYS_AT_ONCE)]
    await _make(state, some, (), (), tx)
    then = await rollups.first_after(merchant_id, some[-1][1], tx)
    await facts.keep_state(state.model_copy(update={"days_from": then}), tx)
    return len(some)


async def _make(
    state: FiguresState,
    some: Sequence[Span],
    made: Sequence[Bucket],
    replaced: Collection[datetime],
    tx: Transaction,
) -> None:
    wanted = Wanted(state.id, joined(some), None, [*Part], replaced)
    buckets = [bucket_of(row) for row in await rollups.within(wanted, tx)] + [*made]
    rows = rows_of_days(state.id, some, buckets, ZoneInfo(str(state.zone)))
    await days.replace(state.id, some, rows, tx)
