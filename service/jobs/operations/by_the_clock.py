"""Run the jobs by their schedules, in a server for development: elsewhere CronJobs do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.leases.loops import comes, end, repeat

SERVER = Principal(Kind.JOBS, DEFAULT_MERCHANT, key_id="server", name="server")


@asynccontextmanager
async def by_the_clock(table: Table) -> AsyncIterator[None]:
    """Run each job that has a schedule, the first time once its time has passed."""
    loops = {
        asyncio.create_task(_every(name, job.about.every, table), name="tillgate-jobs")
        for name, job in table.jobs.items()
        if job.about.every is not None
    }
    try:
        yield
    finally:
        table.stopping.set()
        await end(lambda: loops)


async def _every(name: str, span: timedelta, table: Table) -> None:
    seconds = span.total_seconds()
    await comes(table.stopping, seconds)
    await repeat(partial(_run, name, table), seconds, table.stopping)


async def _run(name: str, table: Table) -> None:
    await run_job(name, table, SERVER)
