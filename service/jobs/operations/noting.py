"""Note of a run what it does, how it ends and how long it took: for the list and for `/metrics`."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager

from service.core.clock import Clock
from service.core.errors import reason_of
from service.core.measures import JOBS
from service.jobs import repository
from service.jobs.documents import RunState
from service.jobs.operations.job import Report
from service.jobs.repository import RunOf
from service.leases.errors import LeaseLost
from service.leases.loops import beside, repeat
from service.storage.answering import answers_in_time

PROGRESS_EVERY_S = 2.0


@contextmanager
def measured(report: Report) -> Iterator[None]:
    """Measure a run by its outcome."""
    began, outcome = time.perf_counter(), "done"
    try:
        yield
        if report.skipped:
            outcome = "paused" if report.paused else "skipped"
    except (Exception, asyncio.CancelledError) as error:
        outcome = _ended_by(error)
        raise
    finally:
        JOBS.observe(time.perf_counter() - began, report.job, outcome)


@asynccontextmanager
async def listed(run: RunOf, report: Report, clock: Clock) -> AsyncIterator[None]:
    """Keep how a run ends, whichever way it does."""
    state: RunState = "done"
    reason = None
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        state, reason = _ended_by(error), _reason(error)
        raise
    finally:
        async with answers_in_time():
            await repository.end(run, state, report.figures(), clock.now(), reason)


def noting_progress(
    run: RunOf, report: Report, over: asyncio.Event
) -> AbstractAsyncContextManager[None]:
    """Note beside a block what is done so far; `over` is set once its job is paused."""

    async def note() -> None:
        async with answers_in_time():
            await repository.note_progress(run, report.figures())
            if (await repository.standing(run.job)).paused_at is not None:
                over.set()

    return beside(lambda ended: repeat(note, PROGRESS_EVERY_S, ended), "tillgate-job-progress")


def _ended_by(error: BaseException) -> RunState:
    return "lost" if isinstance(error, LeaseLost | asyncio.CancelledError) else "failed"


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "Its process was stopped."
    return reason_of(error)
