"""Begin a run that nobody waits for: a page answers at once, and the list of runs shows it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal, TypeAlias

import structlog
from msgspec.structs import replace

from service.core.principal import Principal
from service.jobs.operations.job import Report, Table, Turn
from service.jobs.operations.run import run_job
from service.leases.loops import end

Beginning: TypeAlias = Literal["begun", "paused", "under way"]

log = structlog.get_logger(__name__)


async def begin_job(name: str, table: Table, by: Principal) -> Beginning:
    """Begin a run, and return once it is listed; this process goes on with it by itself.

    Returns why none was begun where the job is paused or a run of it is under way. Raises
    `JobNotFound`, `Unavailable`.
    """
    job, answered = table.named(name), asyncio.get_running_loop().create_future()

    async def work(report: Report, turn: Turn) -> None:
        _answer(answered, "begun")
        await job.work(report, turn)

    async def run() -> None:
        watched = replace(table, jobs={name: replace(job, work=work)})
        try:
            report = await run_job(name, watched, by)
        except Exception as error:
            if not answered.done():
                answered.set_exception(error)
                return
            log.exception("job failed", job=name)  # the list of runs says so, too
        else:
            _answer(answered, "paused" if report.paused else "under way")
        finally:
            answered.cancel()  # does nothing once it is answered

    running = asyncio.create_task(run(), name="tillgate-jobs")
    table.under_way.add(running)
    running.add_done_callback(table.under_way.discard)
    return await asyncio.shield(answered)


def _answer(answered: asyncio.Future[Beginning], beginning: Beginning) -> None:
    if not answered.done():
        answered.set_result(beginning)


@asynccontextmanager
async def ending_with(table: Table) -> AsyncIterator[None]:
    """Let no run outlive the block: each ends after its batch, and is let go after some seconds."""
    try:
        yield
    finally:
        table.stopping.set()
        await end(lambda: table.under_way)
