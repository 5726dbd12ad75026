"""Run a job under its lease, or count what it would do."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from service.audit.operations import Act, record
from service.core.batches import Until
from service.core.clock import Clock
from service.core.errors import NotFound
from service.core.principal import Kind, Principal
from service.leases.operations import leased
from service.retention.operations.cleanup import JOBS
from service.retention.operations.counting import COUNTS, count_cleanup
from service.retention.operations.report import Jobs, Report
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

# A run ends after this long; the next one goes on where it stopped.
RUN_FOR_S = 50.0
LEASE = timedelta(seconds=120)

# What of a report changes something.
_DOES = (
    *("expired", "unresolved", "abandoned", "purged"),
    *("events_retried", "events_purged", "delivered"),
)

log = structlog.get_logger(__name__)


class JobNotFound(NotFound):
    """There is no such job."""

    code = "job_not_found"


async def run_job(name: str, jobs: Jobs, by: Principal, *, dry_run: bool = False) -> Report:
    """Run a job under its lease, so that two at once do the work once. Raises `JobNotFound`.

    It is put on the record, also where it ended in the middle: always by whom a person ran it, and
    by a CronJob if anything was done.
    """
    if name not in JOBS:
        raise JobNotFound(f"There is no job {name!r}; there are {', '.join(sorted(JOBS))}.")
    began = time.monotonic()
    until = Until(began + RUN_FOR_S, jobs.stopping)
    report = Report(job=name, dry_run=dry_run)
    if dry_run:
        await COUNTS[name](jobs, report, until)
    else:
        clock = jobs.inbox.clock
        async with leased(name, LEASE, clock) as lease, _on_record(report, by, clock):
            report.skipped = lease is None
            if lease is not None:
                await JOBS[name](jobs, report, until)
    report.took_ms = round((time.monotonic() - began) * 1000)
    log.info("job ran", **_figures(report))
    return report


async def preview(jobs: Jobs) -> Report:
    """Count what a cleanup would do now; change nothing."""
    report = Report(job="cleanup", dry_run=True)
    await count_cleanup(jobs, report, Until(time.monotonic() + RUN_FOR_S, jobs.stopping))
    return report


@asynccontextmanager
async def _on_record(report: Report, by: Principal, clock: Clock) -> AsyncIterator[None]:
    try:
        yield
    finally:
        done = {name: count for name in _DOES if (count := getattr(report, name))}
        if not report.skipped and (done or by.kind is not Kind.JOBS):
            act = Act("job.ran", f"job:{report.job}", detail={**done})
            async with answers_in_time():
                await record(NO_TRANSACTION, by, act, clock.now())


def _figures(report: Report) -> dict[str, object]:
    return vars(report).copy()
