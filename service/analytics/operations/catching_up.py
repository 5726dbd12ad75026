"""Have the job of figures run as soon as answers meet many unread rows, not only by the clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from service.analytics.operations.keeping import are_many_unread
from service.analytics.operations.table import FIGURES
from service.jobs.operations.by_the_clock import SERVER
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.leases.loops import end, repeat

_LOOK_EVERY_S: Final = 1.0


@asynccontextmanager
async def catching_up(table: Table) -> AsyncIterator[None]:
    """Look once a second, for as long as the block lasts. Of several processes one runs it."""
    stopping = asyncio.Event()
    loop = asyncio.create_task(
        repeat(lambda: catch_up(table), _LOOK_EVERY_S, stopping), name="tillgate-figures"
    )
    try:
        yield
    finally:
        stopping.set()
        await end(lambda: set() if loop.done() else {loop})


async def catch_up(table: Table) -> None:
    """Run the job if there is much to read. Raises what a run raises."""
    if are_many_unread():
        await run_job(FIGURES.name, table, SERVER)
