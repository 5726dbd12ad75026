"""Hold a month against its entries ahead of the transaction that closes it.

A large one takes longer than a transaction may. What is written meanwhile is known by the
database's time of each change: the quarter-hours that it touches are held against them again.
"""

from bisect import bisect_left
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime
from operator import itemgetter
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from service.analytics.operations.spans import spans_of
from service.analytics.states import QUARTER, quarter_of
from service.core.batches import Until, work_off
from service.reports import repository
from service.reports.operations.ahead import Ahead
from service.reports.operations.comparing import Sums, add, differences
from service.reports.operations.due import Due
from service.reports.operations.meanwhile import all_read, touched
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION

_WITHIN_S: Final = 45.0


async def hold_ahead(due: Due, known: Ahead | None, until: Until) -> Ahead:
    """Hold a month against its entries, from where a run before stopped, as far as time goes.

    What was written meanwhile is held against them once more, so that little is left for the
    transaction. Raises `Unavailable`.
    """
    if known is None or not known.is_of(due):
        span, since = due.span, await all_read(due)
        known = Ahead(due.report_id, span, since, span[0], {}, [])
    ahead = await _go_on(due, known, until)
    return ahead if ahead.reached else await _again(due, ahead)


async def _go_on(due: Due, ahead: Ahead, until: Until) -> Ahead:
    """Read on, at least one quarter-hour that has anything."""
    reached, unlike, sums = ahead.reached, {*ahead.unlike}, {**ahead.sums}

    async def hold(some: _Quarters) -> int:
        nonlocal reached
        unlike.update(await _hold(due, some.rows, sums))
        reached = None if some.are_last else quarter_of(some.rows[-1]["at"]) + QUARTER
        return len(some.rows)

    span = ahead.reached or due.span[1], due.span[1]
    walk = repository.walk_money(due.merchant.id, due.currency, span)
    await work_off(_whole_quarters(walk), hold, until)
    reached = reached if until.over else None
    return replace(ahead, reached=reached, sums=sums, unlike=sorted(unlike))


class _Quarters(Struct, frozen=True):
    """All rows of some quarter-hours, and whether no more follow."""

    rows: Sequence[Row]
    are_last: bool = False


async def _whole_quarters(
    walk: AsyncGenerator[list[Row], None],
) -> AsyncGenerator[_Quarters, None]:
    rows: list[Row] = []
    async with aclosing(walk) as batches:
        async for more in batches:
            rows += more
            cut = bisect_left(rows, quarter_of(rows[-1]["at"]), key=itemgetter("at"))
            if cut:
                yield _Quarters(rows[:cut])
                rows = rows[cut:]
    if rows:
        yield _Quarters(rows, are_last=True)


async def _hold(due: Due, rows: Sequence[Row], sums: Sums) -> set[datetime]:
    """Add rows up, and return the quarter-hours in which one differs from its entries."""
    add(sums, rows)
    unlike: set[datetime] = set()
    for n in range(0, len(rows), repository.AT_ONCE):
        some = rows[n : n + repository.AT_ONCE]
        found = await differences(some, due.currency, NO_TRANSACTION)
        unlike |= {quarter_of(one.at) for one in found}
    return unlike


async def _again(due: Due, ahead: Ahead) -> Ahead:
    """Hold against their entries what was touched meanwhile."""
    since = await all_read(due)
    async with answers_in_time(_WITHIN_S):
        quarters = {*ahead.unlike} | await touched(due, ahead, (), NO_TRANSACTION)
        sums = {at: of for at, of in ahead.sums.items() if at not in quarters}
        unlike: set[datetime] = set()
        spans = spans_of(sorted(quarters))
        walk = repository.money_within(due.merchant.id, due.currency, spans, NO_TRANSACTION)
        async for rows in walk:
            unlike |= await _hold(due, rows, sums)
    return replace(ahead, since=since, sums=sums, unlike=sorted(unlike))
