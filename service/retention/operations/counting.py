"""Count what a job would do now; change nothing."""

from service.inbox import repository as inbox_repository
from service.jobs.operations.job import Turn
from service.outbox import repository as outbox
from service.outbox.operations.subscribers import topics_of
from service.retention.operations.asking import count_asked
from service.retention.operations.purging import count_purgeable
from service.retention.operations.report import CleanupReport, DeliveryReport, Jobs, RetryReport
from service.sessions import repository as sessions
from service.storage.answering import answers_in_time

_COUNT_WITHIN_S = 30


async def count_cleanup(jobs: Jobs, report: CleanupReport, turn: Turn) -> None:
    """Count what a cleanup would do."""
    now = jobs.inbox.clock.now()
    async with answers_in_time(_COUNT_WITHIN_S):
        report.expired = await sessions.count_due(now)
        report.asked = await count_asked(now)
    await count_events(jobs, report, turn)
    await count_outbox(jobs, report, turn)
    await count_purgeable(jobs, report, turn.until)


async def count_events(jobs: Jobs, report: RetryReport, turn: Turn) -> None:
    """Count the waiting events that are due."""
    async with answers_in_time(_COUNT_WITHIN_S):
        report.events_retried = await inbox_repository.count_waiting(jobs.inbox.clock)


async def count_outbox(jobs: Jobs, report: DeliveryReport, turn: Turn) -> None:
    """Count the messages that are due."""
    async with answers_in_time(_COUNT_WITHIN_S):
        due = await outbox.count_due(jobs.inbox.clock)
        heard = topics_of(jobs.subscribers)
        report.delivered = due + await outbox.count_undispatched(heard)
