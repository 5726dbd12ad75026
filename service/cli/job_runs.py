"""Say what a run of a job has done so far, while it does it."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from service.cli.screen import err, say
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
                    say(f"{name} is under way ({done_in(latest)})")


def showing_bar(
    what: str, total: int, left: Callable[[], Awaitable[int]]
) -> AbstractAsyncContextManager[None]:
    """Show beside a block how much of something is done, as a bar; a line at a time in a pipe."""
    return beside(partial(_show_bar, what, total, left), "tillgate-bar")


async def _show_bar(
    what: str, total: int, left: Callable[[], Awaitable[int]], ended: asyncio.Event
) -> None:
    console = err()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    shown = console.is_terminal
    drawn = Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not shown
    )
    with drawn as bar:
        task = bar.add_task(what, total=total)
        while not await comes(ended, PROGRESS_EVERY_S):
            with suppress(Unavailable):  # the run itself says so
                done = max(total - await left(), 0)
                bar.update(task, completed=done)
                if not shown:
                    say(f"{what}: {done} of {total}")
