"""Add up what is marked: a quarter-hour is replaced, and its mark removed, in one transaction."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import Struct

from service.analytics.operations.beside import to_keep
from service.analytics.operations.fitting_in import if_it_fits
from service.analytics.operations.folding import Bucket, Gathered, buckets_of, gather
from service.analytics.operations.remaking import Replaced, replace
from service.analytics.operations.spans import spans_of
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import facts, sources
from service.analytics.repository.facts import Which
from service.analytics.states import SERIES
from service.core.batches import Until
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import PlainTransaction
from service.storage.transaction import Transaction

_FACTS_AT_ONCE: Final = 20_000
_FEWEST, _MOST = 8, 1_000
"""How many quarter-hours are replaced in one transaction, by how many facts the last ones had."""


class _Ready(Struct, frozen=True):
    """Quarter-hours that are added up: their marks and buckets, and how many to take next."""

    merchant_id: str
    marks: Sequence[Row]
    buckets: Sequence[Bucket]
    series: Sequence[Bucket]
    then: int


async def roll_up(lease: Held | None, until: Until) -> int:
    """Add up all quarter-hours that are marked; return how many.

    Raises `Unavailable`, `LeaseLost`.
    """
    total = 0
    while not until.over and (done := await _once_through(lease, until)):
        total += done
    return total


async def _once_through(lease: Held | None, until: Until) -> int:
    """Go through the marks once. While some are replaced, the next ones are added up."""
    done = 0
    ahead = asyncio.create_task(_next(None))
    try:
        while (ready := await ahead) is not None and not until.over:
            async with until.part():
                ahead = asyncio.create_task(_next(ready))
                done += await if_it_fits(ready.merchant_id, lease, partial(_replace, ready))
                await asyncio.wait({ahead})
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
    return done


async def _next(before: _Ready | None) -> _Ready | None:
    """Add up the quarter-hours of the next marks of one merchant, as they stand now.

    Their marks were read before: whatever changes since raises them.
    """
    after, at_once = (before.marks[-1], before.then) if before else (None, _FEWEST)
    async with answers_in_time(WITHIN_S), sources.as_of_now() as (session, _):
        tx = PlainTransaction(session)
        marks = await facts.marked(at_once, after, tx)
        if not marks:
            return None
        merchant_id = marks[0]["merchantId"]
        gathered: Gathered = {}
        n = 0
        which = Which(merchant_id, spans_of([row["bucket"] for row in marks]))
        async for rows in facts.batches(which, tx):
            gather(gathered, rows)
            n += len(rows)
        asked = [row["bucket"] for row in marks if row.get("series")]
        series = await to_keep(merchant_id, asked, tx)
    then = min(_FACTS_AT_ONCE * len(marks) // max(n, 1), 4 * len(marks), _MOST)
    return _Ready(merchant_id, marks, buckets_of(gathered), series, max(then, _FEWEST))


async def _replace(ready: _Ready, tx: Transaction) -> int:
    """Put what was added up in the place of what is there, but where a mark was raised since.

    A mark that is raised just now makes this conflict and begin anew.
    """
    marks = await facts.unraised(ready.marks, tx)
    buckets = {row["bucket"] for row in marks}
    made = [one for one in ready.buckets if one.at in buckets]
    await replace(Replaced(ready.merchant_id, None, buckets, made), tx)
    if beside := {row["bucket"] for row in marks if row.get("series")}:
        counts = [one for one in ready.series if one.at in beside]
        await replace(Replaced(ready.merchant_id, SERIES, beside, counts), tx)
    await facts.unmark(marks, tx)
    return len(marks)
