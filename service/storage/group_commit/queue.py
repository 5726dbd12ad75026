"""What waits to be carried, and the lanes that carry it in groups."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from service.core.errors import Unavailable
from service.storage.database import ANSWER_WITHIN_S

T = TypeVar("T")
R = TypeVar("R")

# At 64 of a group these are seconds of work: who comes later is better told to come back.
LONGEST_QUEUE = 2048

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much goes together: items and bytes of a group, groups under way at a time."""

    items: int
    lanes: int
    size: int = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """An item on its way. `until` is the loop's time by which its caller wants an answer."""

    item: T
    size: int
    until: float


@dataclass(slots=True)
class _Waiting(Generic[T, R]):
    entry: Entry[T]
    answer: asyncio.Future[R]


Carry = Callable[[Sequence[Entry[T]]], Awaitable[Sequence[R | Exception]]]
"""Carries a group and gives for each entry, in order, what came of it."""


class GroupQueue(Generic[T, R]):
    """Carries items in groups, and gives each caller its own result or error.

    Guarantees: an item is carried at most once. A caller that is cancelled while it waits is left
    out; once its group is under way the group goes on without it. Every caller gets an answer, also
    when the loop is stopped. Nothing is kept between two items that don't overlap.
    """

    def __init__(self, carry: Carry[T, R], limits: Limits) -> None:
        """Carry with `carry`, within the limits."""
        self._carry = carry
        self.limits = limits
        self._waiting: deque[_Waiting[T, R]] = deque()
        # The loop keeps only weak references to tasks.
        self._lanes: set[asyncio.Task[None]] = set()

    async def submit(self, item: T, size: int = 0) -> R:
        """Wait until the item was carried, and give its result or raise its error.

        `size` is about its bytes. Raises `Unavailable` when too much is waiting already, and when
        its turn does not come in time.
        """
        if len(self._waiting) >= LONGEST_QUEUE:
            raise Unavailable("Too much is waiting for the database; try again.", retry_after=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        entry = Entry(item, size, loop.time() + ANSWER_WITHIN_S)
        self._waiting.append(_Waiting(entry, answer))
        if len(self._lanes) < self.limits.lanes:
            # In a context of its own: the first caller's time limit and log fields are not the
            # others'.
            lane = loop.create_task(self._run(), context=Context())
            self._lanes.add(lane)
        return await answer

    async def _run(self) -> None:
        """Carry group after group until nothing waits.

        Between the last look and the lane's end nothing is awaited, so that an item that comes
        meanwhile can't be overlooked.
        """
        lane = asyncio.current_task()
        try:
            while group := self._next_group():
                await self._carry_group(group)
        finally:
            self._lanes.discard(lane)

    def _next_group(self) -> list[_Waiting[T, R]]:
        group: list[_Waiting[T, R]] = []
        size = 0
        while self._waiting and len(group) < self.limits.items:
            waiting = self._waiting[0]
            size += waiting.entry.size
            if group and size > self.limits.size:
                break
            self._waiting.popleft()
            if not waiting.answer.done():  # cancelled
                group.append(waiting)
        return group

    async def _carry_group(self, group: list[_Waiting[T, R]]) -> None:
        try:
            results = await self._carry([waiting.entry for waiting in group])
            for waiting, result in zip(group, results, strict=True):
                _answer(waiting, result)
        except asyncio.CancelledError:
            # The loop is being stopped. What waits has no lane any more that could carry it.
            for waiting in (*group, *self._waiting):
                _answer(waiting, Unavailable("The service is stopping; try again."))
            self._waiting.clear()
            raise
        except Exception as error:  # a bug of `carry`, which answers for each by itself
            log.exception("a group could not be carried")
            for waiting in group:
                _answer(waiting, error)


def _answer(waiting: _Waiting[T, R], result: R | Exception) -> None:
    if waiting.answer.done():
        return
    if isinstance(result, Exception):
        waiting.answer.set_exception(result)
    else:
        waiting.answer.set_result(result)
