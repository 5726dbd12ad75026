"""What the job of figures does: read what has changed, and add up what that touches."""

from collections.abc import Collection

from service.analytics.operations.remaking import make_days
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.sweeping import WITHIN_S, sweep
from service.analytics.repository import facts, sources
from service.core.clock import Clock
from service.jobs.operations.job import Report, Turn
from service.storage.answering import answers_in_time


class FiguresReport(Report):
    """What a run did: facts that changed, quarter-hours that were added up, days of a new zone.

    None is a change of what was recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.facts = 0
        self.buckets = 0
        self.days = 0


async def refresh(
    clock: Clock,
    report: FiguresReport,
    turn: Turn,
    *,
    only: Collection[str] = sources.SOURCES,
) -> None:
    """Read what has changed and add up what that touches, of all merchants.

    `only`: what has changed in some collections. Raises `Unavailable`, `LeaseLost`.
    """
    async with answers_in_time(WITHIN_S):
        merchants = await sources.merchants_written()
    for merchant_id in merchants:
        if turn.until.over:
            return
        report.facts += await sweep(merchant_id, clock, turn.lease, turn.until, only=only)
    report.buckets += await roll_up(turn.lease, turn.until)
    for merchant_id in merchants:
        if turn.until.over:
            return
        report.days += await make_days(merchant_id, turn.lease, turn.until)


async def count_marked(report: FiguresReport, turn: Turn) -> None:
    """Count the quarter-hours that are to be added up."""
    async with answers_in_time(WITHIN_S):
        report.buckets += await facts.count_marks()
