"""Loops that end: once stopping is requested they begin nothing more; what hangs is let go."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine
from contextlib import asynccontextmanager, suppress

import structlog

# A stop waits for what is under way: a call to a provider takes 2 s at worst. What takes longer is
# let go, and its lease gives the row to another.
LET_GO_AFTER_S = 4.0
_LET_GO_WITHIN_S = 0.5

log = structlog.get_logger(__name__)


async def comes(event: asyncio.Event, within_s: float) -> bool:
    """Wait for an event; return whether it came in time, or had come before."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), within_s)
    return event.is_set()  # with no time at all, what is set already is a `TimeoutError` too


async def repeat(
    do: Callable[[], Awaitable[None]], every_s: float, stopping: asyncio.Event
) -> None:
    """Do something again and again until stopping is requested, whatever one round meets."""
    while not stopping.is_set():
        try:
            await do()
        except Exception:
            log.exception("background round failed")
        await comes(stopping, every_s)


@asynccontextmanager
async def beside(
    loop: Callable[[asyncio.Event], Coroutine[object, object, None]], name: str
) -> AsyncIterator[None]:
    """Run a loop beside the block; the event that it is given ends it, and it is waited for.

    It is not cancelled: on Python 3.11 a cancellation that comes while `wait_for` has its result is
    lost, and the loop would go on for ever. What it is at ends by a limit of its own.
    """
    ended = asyncio.Event()
    running = asyncio.create_task(loop(ended), name=name)
    try:
        yield
    finally:
        ended.set()
        await asyncio.wait({running})
        if not running.cancelled() and (error := running.exception()) is not None:
            log.error("what ran beside a job failed", loop=name, exc_info=error)


async def end(under_way: Callable[[], Collection[asyncio.Task[None]]]) -> None:
    """Wait for what is under way; then let go of what is left, also of what that has begun."""
    tasks = set(under_way())
    late = (await asyncio.wait(tasks, timeout=LET_GO_AFTER_S))[1] if tasks else set()
    late |= {task for task in under_way() if not task.done()}
    for task in late:
        log.warning("what was under way is let go", seconds=LET_GO_AFTER_S)
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=_LET_GO_WITHIN_S)
