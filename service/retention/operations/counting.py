"""Count what a job would do now; change nothing."""

from collections.abc import Mapping

from service.core.batches import Until
from service.inbox import repository as inbox_repository
from service.outbox import repository as outbox
from service.retention.operations.asking import count_asked
from service.retention.operations.cleanup import JOBS, Job
from service.retention.operations.purging import count_purgeable
from service.retention.operations.report import Jobs, Report
from service.sessions import repository as sessions
from service.storage.answering import answers_in_time

_COUNT_WITHIN_S = 30


async def count_cleanup(jobs: Jobs, report: Report, until: Until) -> None:
    """Count what a cleanup would do."""
    now = jobs.inbox.clock.now()
    async with answers_in_time(_COUNT_WITHIN_S):
        report.expired = await sessions.count_due(now)
        report.asked = await count_asked(now)
    await _count_events(jobs, report, until)
    await _count_outbox(jobs, report, until)
    await count_purgeable(jobs, report, until)


async def _count_events(jobs: Jobs, report: Report, until: Until) -> None:
    async with answers_in_time(_COUNT_WITHIN_S):
        report.events_retried = await inbox_repository.count_waiting(jobs.inbox.clock)


async def _count_outbox(jobs: Jobs, report: Report, until: Until) -> None:
    async with answers_in_time(_COUNT_WITHIN_S):
        report.delivered = await outbox.count_due(list(jobs.handlers), jobs.inbox.clock)


COUNTS: Mapping[str, Job] = {
    "cleanup": count_cleanup,
    "outbox": _count_outbox,
    "events": _count_events,
    "peppers": JOBS["peppers"],  # it only counts
}
