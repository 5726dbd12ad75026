"""Loops that end: told to stop, they begin nothing more, and what hangs is let go."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

import structlog

# A stop waits for what is under way: a call to a provider takes 2 s at worst. What takes longer is
# let go, and its lease gives the row to another.
LET_GO_AFTER_S = 4.0
_LET_GO_WITHIN_S = 0.5

log = structlog.get_logger(__name__)


async def comes(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event; return whether it came in time."""
    with suppress(TimeoutError):
        return await asyncio.wait_for(event.wait(), within_s)
    return False


async def repeat(
    do: Callable[[], Awaitable[None]], every_s: float, stopping: asyncio.Event
) -> None:
    """Do something again and again until told to stop, whatever one round meets."""
    while not stopping.is_set():
        try:
            await do()
        except Exception:
            log.exception("background round failed")
        await comes(stopping, every_s)


async def end(under_way: Callable[[], Collection[asyncio.Task[None]]]) -> None:
    """Wait for what is under way, also for what it has begun; then let go of what is left."""
    tasks = set(under_way())
    late = (await asyncio.wait(tasks, timeout=LET_GO_AFTER_S))[1] if tasks else set()
    late |= {task for task in under_way() if not task.done()}
    for task in late:
        log.warning("what was under way is let go", seconds=LET_GO_AFTER_S)
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_LET_GO_WITHIN_S)
