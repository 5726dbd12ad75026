"""What waits to be carried, and the lanes that carry it in groups."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import structlog
from msgspec import Struct

from service.core.errors import Unavailable
from service.core.measures import GROUP_SECONDS, GROUPS
from service.storage.database import ANSWER_WITHIN_S

T = TypeVar("T")
R = TypeVar("R")

# At 64 of a group these are seconds of work: later callers had better come back.
LONGEST_QUEUE = 2048

# A group that takes longer meets a lock or a stall. Others need not wait for it.
PATIENCE_S = 0.25

# A group whose time is over may still be cleaned up after. Then its callers are told, whatever has
# become of it: the driver's own limits hold only while the driver is sound.
ANSWERED_AFTER_S = 2.0

log = structlog.get_logger(__name__)


class Limits(Struct, frozen=True):
    """How much goes together: items and bytes of a group, groups under way at a time."""

    items: int
    lanes: int
    size: int = 4 * 1024 * 1024


class Entry(Struct, Generic[T, R], frozen=True):
    """An item on its way. `until` is the loop's time by which its caller wants an answer."""

    item: T
    size: int
    until: float
    answer: asyncio.Future[R]

    @property
    def overdue(self) -> bool:
        """Return whether the caller's time is over."""
        return asyncio.get_running_loop().time() >= self.until

    def resolve(self, result: R | Exception) -> None:
        """Give the caller its result or error, unless it has one or is gone."""
        if self.answer.done():
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


Carry = Callable[[Sequence[Entry[T, R]]], Awaitable[None]]
"""Carries a group, and resolves each of its entries with what came of it."""


class GroupQueue(Generic[T, R]):
    """Carries items in groups, and gives each caller its own result or error.

    Guarantees: an item is carried at most once. A caller that is cancelled while it waits is left
    out; once its group is under way the group goes on without it. Every caller gets an answer, also
    when the loop is stopped. Nothing is kept between two items that don't overlap. A group that
    hangs does not hold up those after it for longer than `PATIENCE_S`, and its callers are told
    `ANSWERED_AFTER_S` after their time.
    """

    def __init__(self, name: str, carry: Carry[T, R], limits: Limits) -> None:
        """Carry with `carry`, within the limits. `name` is that under which it is measured."""
        self.name = name
        self._carry = carry
        self.limits = limits
        self.groups = 0  # carried so far
        self.items = 0  # in these groups
        self._waiting: deque[Entry[T, R]] = deque()
        # The loop keeps only weak references to tasks.
        self._lanes: set[asyncio.Task[None]] = set()
        self.hanging: set[asyncio.Task[None]] = set()  # those whose group takes too long

    @property
    def waiting(self) -> int:
        """Return how many items wait for their group."""
        return len(self._waiting)

    async def submit(self, item: T, size: int = 0) -> R:
        """Wait until the item was carried, and return its result or raise its error.

        `size` is about its bytes. Raises `Unavailable` when too much is waiting already, and when
        its turn does not come in time.
        """
        if len(self._waiting) >= LONGEST_QUEUE:
            raise Unavailable("Too much is waiting for the database; try again.", retry_after=1)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[R] = loop.create_future()
        self._waiting.append(Entry(item, size, loop.time() + ANSWER_WITHIN_S, answer))
        if len(self._lanes) < self.limits.lanes:
            self._open_lane()
        return await answer

    def _open_lane(self) -> None:
        # In a context of its own: the first caller's time limit and log fields are not the others'.
        lane = asyncio.get_running_loop().create_task(self._run(), context=Context())
        self._lanes.add(lane)
        lane.add_done_callback(self._closed)

    async def _run(self) -> None:
        """Carry group after group until nothing waits.

        Between the last look and the lane's end nothing is awaited, so that an item that comes
        meanwhile can't be overlooked.
        """
        loop, lane = asyncio.get_running_loop(), asyncio.current_task()
        try:
            while lane in self._lanes and (group := self._next_group()):
                relief = loop.call_later(PATIENCE_S, self._relieve, lane, group)
                try:
                    await self._carry_group(group)
                finally:
                    relief.cancel()
        finally:
            self._lanes.discard(lane)
            self.hanging.discard(lane)

    def _next_group(self) -> list[Entry[T, R]]:
        group: list[Entry[T, R]] = []
        size = 0
        while self._waiting and len(group) < self.limits.items:
            entry = self._waiting[0]
            if group and size + entry.size > self.limits.size:
                break
            self._waiting.popleft()
            if entry.overdue:
                entry.resolve(
                    Unavailable("The database is too busy now; try again.", retry_after=1)
                )
            if not entry.answer.done():  # neither overdue nor cancelled
                group.append(entry)
                size += entry.size
        self.groups += bool(group)
        self.items += len(group)
        return group

    async def _carry_group(self, group: list[Entry[T, R]]) -> None:
        GROUPS.observe(len(group), self.name)
        began = time.perf_counter()
        try:
            await self._carry(group)
        except asyncio.CancelledError:
            _stop(group)
            raise
        except Exception as error:  # a bug of `carry`, which answers for each by itself
            log.exception("a group could not be carried")
            for entry in group:
                # One of its own for each: an error grows with each place where it is raised.
                failed = RuntimeError("a group could not be carried")
                failed.__cause__ = error
                entry.resolve(failed)
        finally:
            GROUP_SECONDS.observe(time.perf_counter() - began, self.name)

    def _relieve(self, lane: asyncio.Task[None], group: list[Entry[T, R]]) -> None:
        """Count a lane no more whose group hangs: another may be opened beside it."""
        self._lanes.discard(lane)
        self.hanging.add(lane)
        answered_at = max(entry.until for entry in group) + ANSWERED_AFTER_S
        asyncio.get_running_loop().call_at(answered_at, _give_up, group)
        if self._waiting and len(self._lanes) < self.limits.lanes:
            self._open_lane()

    def _closed(self, lane: asyncio.Task[None]) -> None:
        """Answer what waits when the loop is being stopped: it has no lane any more.

        Not in the lane, which may be cancelled before it has begun.
        """
        if lane.cancelled():
            self._lanes.discard(lane)
            _stop(self._waiting)
            self._waiting.clear()


def _stop(entries: Sequence[Entry[T, R]]) -> None:
    for entry in entries:
        entry.resolve(Unavailable("The service is stopping; try again."))


def _give_up(entries: Sequence[Entry[T, R]]) -> None:
    for entry in entries:
        entry.resolve(Unavailable("The database did not answer in time; try again."))
