"""Note of a run what it has done so far and how it ends, for the list."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from service.core.clock import Clock
from service.jobs import repository
from service.jobs.documents import RunState
from service.jobs.operations.job import Report
from service.jobs.repository import RunOf
from service.leases.errors import LeaseLost
from service.leases.loops import beside, repeat
from service.storage.answering import answers_in_time

PROGRESS_EVERY_S = 2.0
_LONGEST_REASON = 500


@asynccontextmanager
async def listed(run: RunOf, report: Report, clock: Clock) -> AsyncIterator[None]:
    """Keep how a run ends, whichever way it does."""
    state: RunState = "done"
    reason = None
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        state = _ended_by(error)
        reason = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
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
