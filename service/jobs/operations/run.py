"""Run a job under its lease, or count what it would do."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from service.audit.operations import Act, record
from service.core.batches import Until
from service.core.principal import Kind, Principal
from service.jobs import repository
from service.jobs.operations.job import Job, Report, Table, Turn
from service.jobs.operations.noting import listed, measured, noting_progress
from service.leases.operations import kept, leased, renew
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

# A run ends after this long; the next one goes on where it stopped.
RUN_FOR_S = 50.0
LEASE = timedelta(seconds=120)

log = structlog.get_logger(__name__)


async def run_job(name: str, table: Table, by: Principal, *, dry_run: bool = False) -> Report:
    """Run a job under its lease, so that two at once do the work once.

    Each run is listed, also where it ended in the middle. It is put on the record if a person began
    it or if it changed anything: a CronJob's that did nothing is not. Raises `JobNotFound`,
    `LeaseLost`.
    """
    job = table.named(name)
    began = time.monotonic()
    report = job.report(name, dry_run=dry_run)
    if dry_run:
        await job.count(report, Turn(Until(began + RUN_FOR_S, table.stopping)))
    else:
        with measured(report):
            await _run_leased(job, report, by, table)
    report.took_ms = round((time.monotonic() - began) * 1000)
    log.info("job ran", **vars(report))
    return report


async def _run_leased(job: Job[Report], report: Report, by: Principal, table: Table) -> None:
    async with leased(report.job, LEASE, table.clock) as lease, _on_record(report, by, table):
        if lease is None:
            report.skipped = True
        else:
            await _work(job, report, lease, by, table)


async def _work(job: Job[Report], report: Report, lease: Held, by: Principal, table: Table) -> None:
    async with answers_in_time():
        standing = await repository.standing(job.about.name)
        if standing.paused_at is not None:
            report.skipped = report.paused = True
            return
        run = await repository.begin(lease.name, lease.fence, by.label, table.clock.now())
    over = asyncio.Event()
    until = Until(time.monotonic() + RUN_FOR_S, table.stopping, over)
    turn = Turn(until, lease, standing.reached)
    noting = noting_progress(run, report, over)
    async with listed(run, report, table.clock), kept(lease, over), noting:
        await job.work(report, turn)
        if over.is_set():  # paused; or the lease is lost, and it was not by a batch that it ended
            await renew(lease)


@asynccontextmanager
async def _on_record(report: Report, by: Principal, table: Table) -> AsyncIterator[None]:
    try:
        yield
    finally:
        figures = report.figures()
        done = {name: figures[name] for name in sorted(report.changes) if figures[name]}
        if not report.skipped and (done or by.kind is not Kind.JOBS):
            act = Act("job.ran", f"job:{report.job}", detail={**done})
            async with answers_in_time():
                await record(NO_TRANSACTION, by, act, table.clock.now())
