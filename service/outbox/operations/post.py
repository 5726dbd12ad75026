"""Look out for what is to be dispatched and delivered, and have it done: lanes side by side."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import count

import structlog

from service.core.batches import Until
from service.core.clock import Clock
from service.leases.loops import comes
from service.outbox import repository
from service.outbox.operations.deliver import take_turn
from service.outbox.operations.dispatch import be_born, dispatch
from service.outbox.operations.subscribers import Subscriber, Subscribers, subscriber_of
from service.storage.answering import answers_in_time

LANES_AT_ONCE = 16
"""Of one subscriber: those of another never wait for them."""
_DISPATCHER = ""
# While this process is busy, each row that was dispatched or delivered is followed by a rest of all
# turns: who pays just now goes before who is told of it. It is so short that nobody waits for long.
BUSY = 0.5
"""The share of a core that the process used since the turn before."""
REST_A_ROW_S = 0.001
REST_AT_MOST_S = 0.5
_FOREVER = Until(math.inf)

log = structlog.get_logger(__name__)


class Post:
    """The post of one process: what is under way, and which lanes had their turn when.

    Several processes may each have one: what is done is leased. `news` is called after a turn that
    did something, since there may be more.
    """

    def __init__(
        self,
        subscribers: Subscribers,
        clock: Clock,
        until: Until = _FOREVER,
        news: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with nothing under way."""
        self._subscribers, self._clock = subscribers, clock
        self._until, self._news = until, news
        self._born = self._rests = False
        self._rests_until = 0.0
        self._used = time.process_time(), time.monotonic()
        self._fruitless: set[str] = set()
        self._turns: dict[str, int] = {}
        self._count = count(1)
        self._delivered = 0
        self.under_way: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin with what is due: one query where nothing is. A look that fails is made again."""
        self._fruitless.clear()
        self._rests = True
        try:
            await self._begin()
        except Exception:
            log.exception("background round failed")

    async def work_off(self) -> int:
        """Do all that is due until nothing is or the time is over; return what was delivered.

        A lane in which nothing could be delivered is left, and so is what another process is
        dispatching just now. Raises `Unavailable`.
        """
        try:
            while not self._until.over:
                await self._begin()
                if not self.under_way:
                    break
                tasks = self.under_way.values()
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if self.under_way:
                await asyncio.wait(self.under_way.values())
        return self._delivered

    async def _begin(self) -> None:
        self.under_way = {name: one for name, one in self.under_way.items() if not one.done()}
        if time.monotonic() < self._rests_until:
            return
        async with answers_in_time():
            if not self._born:
                await be_born(self._subscribers)
                self._born = True
            found = await repository.look(self._clock)
        if found.undispatched and _DISPATCHER not in {*self.under_way, *self._fruitless}:
            self._start(_DISPATCHER, dispatch(self._subscribers, self._clock, self._until))
        for lane, subscriber in list(self._next(found.lanes)):
            self._turns[lane] = next(self._count)
            self._start(lane, self._deliver(lane, subscriber))
        waiting = {*found.lanes, *self.under_way}
        self._turns = {lane: turn for lane, turn in self._turns.items() if lane in waiting}

    def _next(self, due: Sequence[str]) -> Iterator[tuple[str, Subscriber]]:
        """Return the lanes to begin with: first those that had no turn, or had it longest ago."""
        busy = Counter(map(subscriber_of, self.under_way))
        by_name = {one.name: one for one in self._subscribers}
        for lane in sorted(due, key=lambda lane: self._turns.get(lane, 0)):
            subscriber = by_name.get(subscriber_of(lane))
            if subscriber is None or lane in self.under_way or lane in self._fruitless:
                continue
            if self._rests and subscriber.waits():
                continue
            if busy[subscriber.name] < LANES_AT_ONCE:
                busy[subscriber.name] += 1
                yield lane, subscriber

    def _start(self, name: str, work: Coroutine[None, None, int]) -> None:
        running = self._run(name, work)
        self.under_way[name] = asyncio.create_task(running, name="tillgate-background")

    async def _run(self, name: str, work: Coroutine[None, None, int]) -> None:
        done = 0
        try:
            done = await work
        except Exception:  # the look-out must outlive whatever one turn meets
            log.exception("background round failed")
        if not done:
            self._fruitless.add(name)
            return
        if self._rests and self._is_busy():
            await self._rest(min(done * REST_A_ROW_S, REST_AT_MOST_S))
        self._news()  # there may be more than one turn takes, and what was dispatched is delivered

    def _is_busy(self) -> bool:
        used, (cpu, wall) = (time.process_time(), time.monotonic()), self._used
        self._used = used
        return used[0] - cpu > BUSY * (used[1] - wall)

    async def _rest(self, seconds: float) -> None:
        """Let no turn begin for some seconds; rests of turns that end together add up."""
        self._rests_until = max(self._rests_until, time.monotonic()) + seconds
        if self._until.stopping is not None:
            await comes(self._until.stopping, self._rests_until - time.monotonic())

    async def _deliver(self, lane: str, subscriber: Subscriber) -> int:
        done = await take_turn(lane, subscriber, self._clock, self._until)
        self._delivered += done
        return done
