"""Clean up: expire what is overdue, retry what waits, delete what was kept long enough."""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import structlog

from service.core.batches import work_off
from service.core.errors import InvalidInput, NotFound, ProviderFailed
from service.outbox import repository as outbox_repository
from service.outbox.operations import Handlers, deliver_due
from service.retention import repository
from service.sessions import repository as sessions
from service.sessions.operations.expire import expire_batch
from service.storage.transactions import answers_in_time
from service.webhooks import repository as webhooks
from service.webhooks.operations.ask import verify_session
from service.webhooks.operations.inbox import Inbox
from service.webhooks.operations.replay import retry_waiting

# Small: who pays meanwhile waits for one batch at most. The database works for about a tenth of a
# millisecond on each session that it expires; twenty at a time made the slowest of a hundred reads
# twice as slow as ten do.
BATCH = 10
# A run ends after this long; the next one goes on where it stopped.
RUN_FOR_S = 50.0
LEASE = timedelta(seconds=120)
_ASK_AT_ONCE = 50
# A call to a provider takes 2 seconds at worst: the lease must outlast the last few.
_A_FEW = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Jobs:
    """What jobs need."""

    inbox: Inbox
    handlers: Handlers


@dataclass(slots=True)
class Report:
    """What a job did. `skipped`: another run of it was under way, so this one did nothing."""

    job: str
    expired: int = 0
    purged: int = 0
    events_retried: int = 0
    events_purged: int = 0
    delivered: int = 0
    took_ms: int = 0
    dry_run: bool = False
    skipped: bool = False


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"


Job: TypeAlias = Callable[[Jobs, Report, float], Awaitable[None]]


async def run_job(name: str, jobs: Jobs, *, dry_run: bool = False) -> Report:
    """Run a job under its lease, so that two at once do the work once. Raises `JobNotFound`."""
    if name not in JOBS:
        raise JobNotFound(f"There is no job {name!r}; there are {', '.join(sorted(JOBS))}.")
    began = time.monotonic()
    report = Report(job=name, dry_run=dry_run)
    if dry_run:
        await _count(jobs, report)
    else:
        async with _leased(name, jobs) as ours:
            report.skipped = not ours
            if ours:
                await JOBS[name](jobs, report, began + RUN_FOR_S)
    report.took_ms = round((time.monotonic() - began) * 1000)
    log.info("job ran", **_figures(report))
    return report


async def preview(jobs: Jobs) -> Report:
    """Count what a cleanup would do now; change nothing."""
    report = Report(job="cleanup", dry_run=True)
    await _count(jobs, report)
    return report


@asynccontextmanager
async def _leased(name: str, jobs: Jobs) -> AsyncIterator[bool]:
    holder = secrets.token_hex(8)
    now = jobs.inbox.clock.now()
    async with answers_in_time():
        ours = await repository.take(name, holder, now, now + LEASE)
    try:
        yield ours
    finally:
        if ours:
            async with answers_in_time():
                await repository.give_back(name, holder, jobs.inbox.clock.now())


async def _cleanup(jobs: Jobs, report: Report, until: float) -> None:
    await _reread_processing(jobs.inbox, until)
    report.expired = await _expire(jobs.inbox, until)
    await _retry(jobs, report, until)
    await _deliver(jobs, report, until)
    report.purged = await _purge(jobs.inbox, until)
    report.events_purged = await _purge_events(jobs.inbox, until)


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


async def _purge(inbox: Inbox, until: float) -> int:
    return await work_off(
        sessions.walk_purgeable(inbox.clock.now(), BATCH),
        lambda keys: _in_time(sessions.purge(inbox.clock.now(), keys)),
        until,
    )


async def _purge_events(inbox: Inbox, until: float) -> int:
    return await work_off(
        webhooks.walk_purgeable(inbox.clock.now(), BATCH),
        lambda keys: _in_time(webhooks.purge(inbox.clock.now(), keys)),
        until,
    )


async def _in_time(purging: Awaitable[int]) -> int:
    async with answers_in_time(30):
        return await purging


async def _reread_processing(inbox: Inbox, until: float) -> None:
    """Ask about overdue sessions whose payment is said to be under way.

    One without a live payment goes back to pending, and expires in this same run. Those that were
    asked about longest ago come first, so that some that never answer don't keep out the others.
    """
    async with answers_in_time():
        overdue = await sessions.find_overdue_processing(inbox.clock.now(), _ASK_AT_ONCE)
    for session in overdue:
        if time.monotonic() > until:
            break
        try:
            async with answers_in_time():
                await sessions.note_asked(session, inbox.clock.now())
            await verify_session(session, inbox)
        except (ProviderFailed, InvalidInput) as error:  # the latter: it has no credentials here
            log.warning("session not re-read", session=session.session_id, reason=str(error))


async def _count(jobs: Jobs, report: Report) -> None:
    now = jobs.inbox.clock.now()
    async with answers_in_time(30):
        report.expired = await sessions.count_due(now)
        report.purged = await sessions.count_purgeable(now)
        report.events_retried = await webhooks.count_waiting(now)
        report.delivered = await outbox_repository.count_due(list(jobs.handlers), now)


def _figures(report: Report) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__slots__}
