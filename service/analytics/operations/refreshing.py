"""What the job of figures does: read what has changed, and add up what that touches."""

from collections.abc import Collection
from typing import Final

from service.analytics.operations.customer_days import make_customer_days
from service.analytics.operations.marking import SERIES_NAME, mark_series
from service.analytics.operations.months import make_months
from service.analytics.operations.remaking import make_days
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.sweeping import WITHIN_S, sweep
from service.analytics.repository import facts, series, sources
from service.core.clock import Clock
from service.jobs.operations.job import Report, Turn
from service.storage.answering import answers_in_time

EVERYTHING: Final[Collection[str]] = (*sources.SOURCES, SERIES_NAME)
"""What is read of each merchant: the rows of some collections, and what stands beside these."""


class FiguresReport(Report):
    """What a run did: facts that changed, quarter-hours and months that were added up, days anew.

    Days are those of a new zone; customers have days of their own. None is a change of what was
    recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.facts = 0
        self.buckets = 0
        self.days = 0
        self.months = 0
        self.customer_days = 0


async def refresh(
    clock: Clock,
    report: FiguresReport,
    turn: Turn,
    *,
    only: Collection[str] = EVERYTHING,
) -> None:
    """Read what has changed and add up what that touches, of all merchants.

    `only`: what has changed in some of it. Raises `Unavailable`, `LeaseLost`.
    """
    async with answers_in_time(WITHIN_S):
        merchants = sorted({*await sources.merchants_written(), *await series.merchants()})
    for merchant_id in merchants:
        if turn.until.over:
            return
        read = [one for one in only if one in sources.SOURCES]
        report.facts += await sweep(merchant_id, clock, turn.lease, turn.until, only=read)
        if SERIES_NAME in only:
            await mark_series(merchant_id, clock, turn.lease, turn.until)
    report.buckets += await roll_up(turn.lease, turn.until)
    async with answers_in_time(WITHIN_S):  # also those all of whose rows were purged
        merchants = [one.id for one in await facts.states()]
    for merchant_id in merchants:
        if turn.until.over:
            return
        report.days += await make_days(merchant_id, turn.lease, turn.until)
        report.months += await make_months(merchant_id, clock, turn.lease, turn.until)
        report.customer_days += await make_customer_days(merchant_id, clock, turn.lease, turn.until)


async def count_marked(report: FiguresReport, turn: Turn) -> None:
    """Count the quarter-hours that are to be added up."""
    async with answers_in_time(WITHIN_S):
        report.buckets += await facts.count_marks()
