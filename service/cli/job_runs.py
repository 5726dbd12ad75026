"""Say what a run of a job has done so far, while it does it."""

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial

from service.cli.screen import say
from service.core.errors import Unavailable
from service.jobs.operations.job import Table
from service.jobs.operations.listing import done_in, runs_of
from service.jobs.operations.noting import PROGRESS_EVERY_S
from service.leases.loops import beside, comes


def showing_progress(name: str, table: Table) -> AbstractAsyncContextManager[None]:
    """Say beside a block what a run that is under way has done so far, each time it is noted."""
    return beside(partial(_show_progress, name, table), "tillgate-progress")


async def _show_progress(name: str, table: Table, ended: asyncio.Event) -> None:
    while not await comes(ended, PROGRESS_EVERY_S):
        with suppress(Unavailable):  # the run itself says so
            for latest in await runs_of(name, table, limit=1):
                if latest.state == "running":
                    say(f"{name}: {done_in(latest)} so far")
