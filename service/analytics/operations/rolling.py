"""Add up what is marked: a quarter-hour is replaced, and its mark removed, in one transaction."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

from service.analytics.operations.folding import Added, fold, row_of
from service.analytics.operations.sweeping import WITHIN_S, sweep
from service.analytics.repository import facts, rollups, sources
from service.analytics.repository.facts import Span, Which
from service.analytics.states import QUARTER
from service.core.batches import Until
from service.core.clock import Clock
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.transaction import Transaction

AT_ONCE: Final = 96
"""How many quarter-hours are added up in one transaction: a day of a merchant."""


class FiguresReport(Report):
    """What a run did: facts that changed, and quarter-hours that were added up.

    Neither is a change of what was recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.facts = 0
        self.buckets = 0


async def refresh(clock: Clock, report: FiguresReport, turn: Turn) -> None:
    """Read what has changed and add up what that touches, of all merchants.

    Raises `Unavailable`, `LeaseLost`.
    """
    async with answers_in_time(WITHIN_S):
        merchants = await sources.merchants_written()
    for merchant_id in merchants:
        if turn.until.over:
            return
        report.facts += await sweep(merchant_id, clock, turn.lease, turn.until)
    report.buckets += await roll_up(turn.lease, turn.until)


async def count_marked(report: FiguresReport, turn: Turn) -> None:
    """Count the quarter-hours that are to be added up."""
    async with answers_in_time(WITHIN_S):
        report.buckets += await facts.count_marks()


async def roll_up(lease: Held | None, until: Until) -> int:
    """Add up all quarter-hours that are marked; return how many. Raises as `refresh` does."""
    done = 0
    while not until.over:
        async with answers_in_time(WITHIN_S):
            marks = await facts.marked(AT_ONCE)
        if not marks:
            break
        for merchant_id, of in groupby(marks, key=lambda row: str(row["merchantId"])):
            done += await under(lease, partial(_replace, merchant_id, [*of]), WITHIN_S)
    return done


async def _replace(merchant_id: str, marks: Sequence[Row], tx: Transaction) -> int:
    """Add up quarter-hours as they stand in this transaction, in the place of what is there.

    A mark that is raised meanwhile makes that conflict and begin anew.
    """
    buckets = [row["bucket"] for row in marks]
    which = Which(merchant_id, spans_of(buckets))
    added = await add_up(which, tx)
    rows = [row_of(merchant_id, one) for one in fold(added)]
    await rollups.replace(merchant_id, buckets, rows, tx)
    return await facts.unmark(marks, tx)


async def add_up(which: Which, tx: Transaction) -> Added:
    """Have the database add facts up."""
    return Added(
        await facts.group(which, tx), await facts.payers(which, tx), await facts.slots(which, tx)
    )


def spans_of(buckets: Sequence[datetime]) -> list[Span]:
    """Return the times of quarter-hours, those that follow one another as one."""
    spans: list[Span] = []
    for at in sorted(buckets):
        if spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], at + QUARTER)
        else:
            spans.append((at, at + QUARTER))
    return spans
