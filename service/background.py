"""The loops of the server: they retry waiting events and deliver the outbox.

One for each of the two and each provider: a provider that hangs holds up nothing but its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog

from service.core.lanes import lanes_of
from service.outbox.operations import deliver_due
from service.retention.operations.report import Jobs
from service.webhooks.operations.inbox import Inbox
from service.webhooks.operations.rejections import write_the_last
from service.webhooks.operations.replay import retry_waiting

# How long something that is due waits at most for its loop.
EVERY_S = 1.0
# A stop waits for what is under way: a call to a provider takes 2 s at worst. What takes longer is
# let go, and its lease gives the row to another.
LET_GO_AFTER_S = 4.0
_LET_GO_WITHIN_S = 0.5

log = structlog.get_logger(__name__)


@asynccontextmanager
async def background(jobs: Jobs) -> AsyncIterator[None]:
    """Run the loops for as long as the block lasts. Several processes may: each row is leased."""
    loops = [
        asyncio.create_task(_loop(work, jobs.stopping), name="tillgate-background")
        for work in _works(jobs)
    ]
    try:
        yield
    finally:
        jobs.stopping.set()
        await _end(loops)
        await write_the_last(jobs.inbox.rejections, jobs.inbox.clock.now())


def _works(jobs: Jobs) -> Iterator[Callable[[], Awaitable[int]]]:
    inbox, stopping = jobs.inbox, jobs.stopping
    for lane in lanes_of(inbox.providers):
        yield partial(retry_waiting, inbox, lane=lane, stopping=stopping)
        yield partial(deliver_due, jobs.handlers, inbox.clock, lane=lane, stopping=stopping)
    yield partial(_write_rejections, inbox)


async def _write_rejections(inbox: Inbox) -> int:
    return await inbox.rejections.flush(inbox.clock.now())


async def _loop(work: Callable[[], Awaitable[int]], stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await work()
        except Exception:  # the loop must outlive whatever one round meets
            log.exception("background round failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY_S)


async def _end(loops: Sequence[asyncio.Task[None]]) -> None:
    _, late = await asyncio.wait(loops, timeout=LET_GO_AFTER_S)
    for task in late:
        log.warning("what was under way is let go", seconds=LET_GO_AFTER_S)
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_LET_GO_WITHIN_S)
