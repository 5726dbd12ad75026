"""Keep the days of a merchant's own zone as its quarter-hours are, and no month that isn't."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.days import days_of, rows_of_days, whole_day
from service.analytics.operations.fitting_in import if_it_fits
from service.analytics.operations.folding import Bucket, bucket_of, row_of
from service.analytics.operations.months import forget_months
from service.analytics.operations.periods import DAY, day_of
from service.analytics.operations.spans import joined, spans_of
from service.analytics.repository import facts, longer, rollups
from service.analytics.repository.facts import Span
from service.analytics.repository.rollups import Wanted
from service.analytics.states import SERIES, Part
from service.core.batches import Until
from service.leases.repository import Held
from service.merchants import repository as merchants
from service.merchants.documents import FIRST_ZONE
from service.storage.transaction import Transaction

_DAYS_AT_ONCE = 31


class Replaced(Struct, frozen=True):
    """Quarter-hours that are replaced, and the buckets that take their place.

    `currency` is None for all that there are, `SERIES` for what is counted beside the ledger.
    """

    merchant_id: str
    currency: str | None
    quarters: Collection[datetime]
    made: Sequence[Bucket]


async def replace(what: Replaced, tx: Transaction) -> None:
    """Replace quarter-hours, add the days up anew that these are in, and forget the months.

    Of what is counted beside the ledger there are no months.
    """
    wanted = Wanted(what.merchant_id, spans_of(what.quarters), what.currency, ())
    rows = [row_of(what.merchant_id, one) for one in what.made]
    await rollups.replace(wanted, rows, tx)
    state = await facts.state_of(what.merchant_id, tx)
    if what.quarters and state is not None and state.zone is not None:
        zone = ZoneInfo(state.zone)
        await _make(days_of(what.quarters, zone), what, zone, tx)
        if what.currency != SERIES:
            await forget_months(state, min(what.quarters), tx)


async def make_days(merchant_id: str, lease: Held | None, until: Until) -> int:
    """Add up all days of a merchant whose zone is another one than before; return how many.

    Goes on where it was stopped, which is also where a sum is more than 64 bits hold: quarter-hours
    answer for the rest. Raises `Unavailable`, `LeaseLost`.
    """
    done, begun = 0, await if_it_fits(merchant_id, lease, partial(_begin, merchant_id))
    while begun and not until.over:
        async with until.part():
            begun = await if_it_fits(merchant_id, lease, partial(_go_on, merchant_id))
        done += begun
    return done


async def _begin(merchant_id: str, tx: Transaction) -> bool:
    """Forget days and months where the zone is another one; return whether any are to be made."""
    state, merchant = await facts.state_of(merchant_id, tx), await merchants.find(merchant_id, tx)
    zone = merchant.zone if merchant is not None else FIRST_ZONE
    if state is None:
        return False
    if state.zone != zone:
        await longer.remove_all(merchant_id, tx)
        first = await rollups.first_after(merchant_id, None, tx)
        state = state.model_copy(update={"zone": zone, "days_from": first, "months_until": None})
        await facts.keep_state(state, tx)
    return state.days_from is not None


async def _go_on(merchant_id: str, tx: Transaction) -> int:
    state = await facts.state_of(merchant_id, tx)
    if state is None or state.zone is None or state.days_from is None:
        return 0
    zone = ZoneInfo(state.zone)
    first = day_of(state.days_from, zone)
    some = [whole_day(first + n * DAY, zone) for n in range(_DAYS_AT_ONCE)]
    for currency in (None, SERIES):
        await _make(some, Replaced(merchant_id, currency, (), ()), zone, tx)
    then = await rollups.first_after(merchant_id, some[-1][1], tx)
    await facts.keep_state(state.model_copy(update={"days_from": then}), tx)
    return len(some)


async def _make(some: Sequence[Span], what: Replaced, zone: ZoneInfo, tx: Transaction) -> None:
    wanted = Wanted(what.merchant_id, joined(some), what.currency, [*Part], what.quarters)
    buckets = [bucket_of(row) for row in await rollups.within(wanted, tx)] + [*what.made]
    rows = rows_of_days(what.merchant_id, some, buckets, zone)
    await longer.replace_days(what.merchant_id, what.currency, some, rows, tx)
