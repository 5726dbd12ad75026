"""Do much work in small batches, with a breath after each."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

T = TypeVar("T")

SMALLEST, LARGEST = 10, 160
"""Who pays or reads meanwhile waits for one batch at most."""
AS_QUICK = 2.0
_BETWEEN_READS_S = 0.005
_QUIET_KEPT = 50


class Until(Struct, frozen=True):
    """When work ends: at a time of the monotonic clock, or as soon as stopping is requested.

    `stopping` is the process that ends, `given_up` this work alone. `give_way` is what is awaited
    after each part of it, with the seconds that this took.
    """

    at: float
    stopping: asyncio.Event | None = None
    given_up: asyncio.Event | None = None
    give_way: Callable[[float], Awaitable[None]] | None = None

    @property
    def ended(self) -> bool:
        """Return whether it was ended before its time."""
        return any(event is not None and event.is_set() for event in (self.stopping, self.given_up))

    @property
    def over(self) -> bool:
        """Return whether nothing more is begun."""
        return self.ended or time.monotonic() > self.at

    @asynccontextmanager
    async def part(self) -> AsyncIterator[None]:
        """Do a part of the work in the block; then others go before, where they do."""
        began = time.monotonic()
        yield
        if self.give_way is not None and not self.over:
            await self.give_way(time.monotonic() - began)

    def at_most(self, seconds: float) -> "Until":
        """Return the same, but no longer than this from now."""
        return replace(self, at=min(self.at, time.monotonic() + seconds))


class Pace:
    """How large batches are: they grow while others are served about as quickly as without them.

    While a batch is under way and in the breath after it, small reads are timed. A batch beside
    which the slowest takes at most `AS_QUICK` times as long as in the breaths is followed by a
    larger one, any other by one of half its size. The larger they may be, the shorter the breaths:
    who is not slowed by a batch does not need them.
    """

    def __init__(
        self, read: Callable[[], Awaitable[bool]], timer: Callable[[], float] = time.perf_counter
    ) -> None:
        """Begin small; `read` is what is timed, and returns whether it was answered."""
        self.size = SMALLEST
        self._read, self._timer = read, timer
        self._quiet: deque[float] = deque(maxlen=_QUIET_KEPT)

    @property
    def breath(self) -> float:
        """Return how long the breath after a batch is, as a part of the time of the batch."""
        return SMALLEST / self.size

    async def beside(self, work: Awaitable[int]) -> int:
        """Await a batch, and decide how large the next one is."""
        if not self._quiet:
            await self.rest(0)
        slowest = 0.0
        working = asyncio.ensure_future(work)
        try:
            while not working.done():
                slowest = max(slowest, await self._timed())
                await asyncio.wait({working}, timeout=_BETWEEN_READS_S)
        finally:
            if not working.done():  # this run is let go, and its batch with it
                working.cancel()
                await asyncio.wait({working})
        done = await working
        quick = slowest <= AS_QUICK * max(self._quiet, default=0.0)
        self.size = min(self.size * 2, LARGEST) if quick else max(self.size // 2, SMALLEST)
        return done

    async def rest(self, seconds: float) -> None:
        """Leave the machine to others for so long, and time what they are served by meanwhile."""
        until = time.monotonic() + seconds
        while True:
            took = await self._timed()
            if took < math.inf:
                self._quiet.append(took)
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _BETWEEN_READS_S))

    async def _timed(self) -> float:
        """Return how long a read takes; for ever where it is not answered: the batch will see."""
        began = self._timer()
        answered = await self._read()
        return self._timer() - began if answered else math.inf


async def work_off(
    walk: AsyncGenerator[T, None],
    do: Callable[[T], Awaitable[int]],
    until: Until,
    pace: Pace | None = None,
) -> int:
    """Do what a walk finds, batch by batch, to its end or until time is up; return the sum.

    One batch is done also where the work before it took all the time; none once it was ended.
    """
    total = 0
    async with aclosing(walk) as batches:
        async for one in batches:
            if until.ended:
                break
            began = time.monotonic()
            total += await (do(one) if pace is None else pace.beside(do(one)))
            if until.over:
                break
            await _breathe(began, pace)
    return total


async def _breathe(began: float, pace: Pace | None) -> None:
    """Leave the machine to others for as long as a batch had it, or as the pace says."""
    had = time.monotonic() - began
    await (asyncio.sleep(had) if pace is None else pace.rest(had * pace.breath))
