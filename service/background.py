"""The one loop of the server: it retries waiting events and delivers the outbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import structlog

from service.outbox.operations import deliver_due
from service.retention.operations.report import Jobs
from service.webhooks.operations.replay import retry_waiting

# How long something that is due waits at most for the loop.
EVERY_S = 1.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def background(jobs: Jobs) -> AsyncIterator[None]:
    """Run the loop for as long as the block lasts. Several processes may: each row is leased."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_loop(jobs, stopping), name="tillgate-background")
    try:
        yield
    finally:
        stopping.set()
        with suppress(asyncio.CancelledError):
            await task


async def _loop(jobs: Jobs, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await retry_waiting(jobs.inbox)
            await deliver_due(jobs.handlers, jobs.inbox.clock)
        except Exception:  # the loop must outlive whatever one round meets
            log.exception("background round failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY_S)
