"""Read what has changed into facts, and mark the quarter-hours that these touch or leave."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from msgspec import Struct

from service.analytics.documents import FiguresState
from service.analytics.operations.deriving import FIELDS, heard_at
from service.analytics.operations.forgetting import forget_days_of
from service.analytics.operations.gathering import derived, newer, touched
from service.analytics.repository import facts, sources
from service.analytics.repository.sources import Limited
from service.core.batches import Until
from service.core.clock import Clock
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import EMPTY_TIME, WRITTEN_AT, DatabaseTime, Row, earlier
from service.storage.plain import PlainTransaction
from service.storage.transaction import Transaction

AT_ONCE: Final = 2_000
COMMITTED_WITHIN_S: Final = 5
"""After what time a change is committed or never will be; `storage/sweeps.py` says why."""
ENDED_WITHIN_S: Final = 90
"""After what time the database itself has ended every transaction: by default it takes 60 s."""
FULLY_EVERY_S: Final = 45
"""How often what may come as late as that is read again, where runs follow one another at once."""
WITHIN_S: Final = 20.0


class Batch(Struct, frozen=True):
    """Rows of one collection that were read, as facts, and how far that was.

    `safe` is None where only what was committed in time was read; `known` is what it was before.
    `heard` says by the ids of facts when each payment was first heard of.
    """

    source: str
    facts: Sequence[Row]
    seen: DatabaseTime
    safe: DatabaseTime | None
    known: DatabaseTime
    heard: Mapping[str, datetime]


async def sweep(
    merchant_id: str,
    clock: Clock,
    lease: Held | None,
    until: Until,
    *,
    only: Collection[str] = sources.SOURCES,
) -> int:
    """Read all that was changed of a merchant since the last time; return how many facts changed.

    `only`: of some collections. Raises `Unavailable`, `LeaseLost`.
    """
    changed = 0
    for source in only:
        changed += await _sweep(source, merchant_id, clock, lease, until)
    return changed


async def _sweep(
    source: str, merchant_id: str, clock: Clock, lease: Held | None, until: Until
) -> int:
    """Read a collection. While some rows are written as facts, the next ones are read."""
    changed = 0
    ahead = asyncio.create_task(_read(source, merchant_id, None))
    try:
        more = True
        while more and not until.over:
            async with until.part():
                batch, more = await ahead
                if more:
                    ahead = asyncio.create_task(_read(source, merchant_id, batch))
                work = partial(_keep, batch, merchant_id, clock.now())
                changed += await under(lease, work, WITHIN_S)
                await asyncio.wait({ahead})
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
    return changed


async def _read(source: str, merchant_id: str, before: Batch | None) -> tuple[Batch, bool]:
    """Read the next rows of a collection, and whether there may be more."""
    async with answers_in_time(WITHIN_S), sources.as_of_now() as (session, now):
        tx = PlainTransaction(session)
        if before is None:
            state = await facts.state_of(merchant_id, tx)
            after, fully = _begins(source, state, now)
            known = _safe(source, state)
        else:
            after, fully = before.seen, before.safe is not None
            known = before.safe or before.known
        rows = await sources.written_after(
            source, merchant_id, after, FIELDS[source], Limited(AT_ONCE, session)
        )
        found = await derived(source, merchant_id, rows, tx)
    more = len(rows) >= AT_ONCE
    seen = rows[-1][WRITTEN_AT] if more else now
    safe = min(seen, earlier(now, ENDED_WITHIN_S)) if fully else None
    return Batch(source, found, seen, safe, known, heard_at(source, rows)), more


def _begins(
    source: str, state: FiguresState | None, now: DatabaseTime
) -> tuple[DatabaseTime, bool]:
    """Return from when on rows are read, and whether those are among them that came very late."""
    safe = _safe(source, state)
    if state is None or now.time - safe.time >= ENDED_WITHIN_S + FULLY_EVERY_S:
        return safe, True
    return earlier(state.seen[source], COMMITTED_WITHIN_S), False


def _safe(source: str, state: FiguresState | None) -> DatabaseTime:
    return state.safe.get(source, EMPTY_TIME) if state else EMPTY_TIME


async def _keep(batch: Batch, merchant_id: str, now: datetime, tx: Transaction) -> int:
    """Write the facts that are other than before, mark what they touch or leave, and the place."""
    found = {one["_id"]: one for one in batch.facts}
    known = await facts.by_ids([*found], tx)
    rows = [row for key, one in found.items() if (row := newer(one, known.get(key))) is not None]
    changed = [row for row in rows if row["_id"] in known]
    left = [known[row["_id"]] for row in changed]
    await facts.put([row for row in rows if row["_id"] not in known], changed, tx)
    await facts.mark(touched([*rows, *left]), tx)
    await forget_days_of(
        [one for one in batch.facts if one["_id"] in batch.heard], known, batch.heard, tx
    )
    state = await facts.state_of(merchant_id, tx) or FiguresState(id=merchant_id, read_at=now)
    state.seen[batch.source] = max(batch.seen, state.seen.get(batch.source, EMPTY_TIME))
    safe = _safe(batch.source, state)
    if batch.safe is not None and safe >= batch.known:  # else a rebuild has all be read again
        state.safe[batch.source] = max(batch.safe, safe)
    currencies = sorted({*state.currencies, *(row["currency"] for row in rows)})
    counts = {"batches": state.batches + 1, "written": state.written + len(rows)}
    update = {"currencies": currencies, "read_at": now, **counts}
    await facts.keep_state(state.model_copy(update=update), tx)
    return len(rows)
