"""Clean up: ask, expire what is overdue, retry what waits, delete what was kept long enough."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from service.core.batches import work_off
from service.outbox.operations import deliver_due
from service.retention.operations.asking import ask_about_overdue, ask_about_silent
from service.retention.operations.purging import purge_events, purge_sessions
from service.retention.operations.report import Jobs, Report
from service.sessions import repository as sessions
from service.sessions.operations.expire import expire_batch
from service.webhooks.operations.inbox import Inbox
from service.webhooks.operations.replay import retry_waiting

# Small: who pays meanwhile waits for one batch at most. The database works for about a tenth of a
# millisecond on each session that it expires; twenty at a time made the slowest of a hundred reads
# twice as slow as ten do.
BATCH = 10
# A call to a provider takes 2 seconds at worst: the lease must outlast the last few.
_A_FEW = 10

Job: TypeAlias = Callable[[Jobs, Report, float], Awaitable[None]]


async def _cleanup(jobs: Jobs, report: Report, until: float) -> None:
    # What is not under way any more goes back to pending, and expires in this same run.
    await ask_about_overdue(jobs.inbox, report, until)
    await ask_about_silent(jobs.inbox, report, until)
    report.expired = await _expire(jobs.inbox, until)
    await _retry(jobs, report, until)
    await _deliver(jobs, report, until)
    await purge_sessions(jobs, report, until)
    await purge_events(jobs, report, until)


async def _deliver(jobs: Jobs, report: Report, until: float) -> None:
    report.delivered = await _a_few_at_a_time(
        lambda: deliver_due(jobs.handlers, jobs.inbox.clock, limit=_A_FEW), until
    )


async def _retry(jobs: Jobs, report: Report, until: float) -> None:
    report.events_retried = await _a_few_at_a_time(
        lambda: retry_waiting(jobs.inbox, limit=_A_FEW), until
    )


JOBS: Mapping[str, Job] = {"cleanup": _cleanup, "outbox": _deliver, "events": _retry}


async def _a_few_at_a_time(some: Callable[[], Awaitable[int]], until: float) -> int:
    """Do what may wait for a provider until nothing is left or the time is over; give the sum."""
    total = 0
    while time.monotonic() < until and (done := await some()):
        total += done
    return total


async def _expire(inbox: Inbox, until: float) -> int:
    return await work_off(
        sessions.walk_due(inbox.clock.now(), BATCH),
        lambda keys: expire_batch(inbox.lifetimes, inbox.clock.now(), keys),
        until,
    )
