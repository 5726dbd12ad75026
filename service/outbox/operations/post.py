"""Look out for what is to be dispatched and delivered, and have it done: lanes side by side."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from itertools import count

import structlog
from msgspec import Struct
from msgspec.structs import replace

from service.core.batches import Until
from service.core.clock import Clock
from service.core.lately import Lately
from service.leases.loops import comes
from service.outbox import repository
from service.outbox.operations.deliver import take_turn
from service.outbox.operations.dispatch import Dispatched, be_born, dispatch
from service.outbox.operations.subscribers import Subscriber, Subscribers, never, subscriber_of
from service.storage.answering import answers_in_time
from service.storage.database import DatabaseTime, earlier

LANES_AT_ONCE = 16
"""Of one subscriber: those of another never wait for them."""
_DISPATCHER = ""
# While this process is busy, each row that was dispatched or delivered is followed by a rest of all
# turns: who pays just now goes before who is told of it. It is so short that nobody waits for long.
BUSY = 0.5
"""The share of a core that the process used since the turn before."""
REST_A_ROW_S = 0.001
REST_AT_MOST_S = 0.5
COMMITTED_WITHIN_S = 5
"""A message that is committed later than that after it was written waits for a look at all."""
_FOREVER = Until(math.inf)

log = structlog.get_logger(__name__)


class _Done(Struct, frozen=True):
    """What one turn did, and whether there may be something to deliver after it."""

    rows: int = 0
    more: bool = False


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
        self._serving, self._clock = subscribers, clock
        self._working_off = tuple(replace(one, waits=never) for one in subscribers)
        self._until, self._news = until, news
        self._born = self._rests = self._at_all = False
        self._rests_until = 0.0
        self._lately = Lately[DatabaseTime](lambda at: earlier(at, COMMITTED_WITHIN_S))
        self._used = time.process_time(), time.monotonic()
        self._fruitless: set[str] = set()
        self._turns: dict[str, int] = {}
        self._count = count(1)
        self._delivered = 0
        self.under_way: dict[str, asyncio.Task[None]] = {}

    @property
    def _subscribers(self) -> Subscribers:
        """Return who hears: a job that works off what is due waits for nobody."""
        return self._serving if self._rests else self._working_off

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
            after = self._lately.after() if self._rests else None
            found = await repository.look(self._clock, after)
        if after is None:
            self._lately.looked_at_all()
            self._at_all = found.undispatched
        if found.undispatched and _DISPATCHER not in {*self.under_way, *self._fruitless}:
            self._start(_DISPATCHER, self._dispatch(None if self._at_all else after))
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
            if subscriber.waits():
                continue
            if busy[subscriber.name] < LANES_AT_ONCE:
                busy[subscriber.name] += 1
                yield lane, subscriber

    def _start(self, name: str, work: Coroutine[None, None, _Done]) -> None:
        running = self._run(name, work)
        self.under_way[name] = asyncio.create_task(running, name="tillgate-background")

    async def _run(self, name: str, work: Coroutine[None, None, _Done]) -> None:
        done = _Done()
        try:
            done = await work
        except Exception:  # the look-out must outlive whatever one turn meets
            log.exception("background round failed")
        if not done.rows:
            self._fruitless.add(name)
            return
        if self._rests and self._is_busy():
            await self._rest(min(done.rows * REST_A_ROW_S, REST_AT_MOST_S))
        if done.more:
            self._news()

    def _is_busy(self) -> bool:
        used, (cpu, wall) = (time.process_time(), time.monotonic()), self._used
        self._used = used
        return used[0] - cpu > BUSY * (used[1] - wall)

    async def _rest(self, seconds: float) -> None:
        """Let no turn begin for some seconds; rests of turns that end together add up."""
        self._rests_until = max(self._rests_until, time.monotonic()) + seconds
        if self._until.stopping is not None:
            await comes(self._until.stopping, self._rests_until - time.monotonic())

    async def _dispatch(self, after: DatabaseTime | None) -> _Done:
        self._at_all, done = False, Dispatched()
        try:
            done = await dispatch(self._subscribers, self._clock, self._until, after)
        finally:  # another process may be at it, or the database away
            self._at_all |= after is None and done.latest is None
        self._delivered += done.heard
        if done.latest is not None:
            self._lately.found(done.latest)
        return _Done(done.messages, more=done.waiting > 0)

    async def _deliver(self, lane: str, subscriber: Subscriber) -> _Done:
        done = await take_turn(lane, subscriber, self._clock, self._until)
        self._delivered += done
        return _Done(done, more=True)  # there may be more than one turn takes
