"""The look-out of the server: it finds waiting events and due messages, and has them processed.

Each has lanes: a provider or receiver that hangs holds up nothing but its own.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog

from service.core.batches import Until
from service.core.lanes import Lane, lanes_of
from service.core.news import EVENTS, WRITTEN
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.rejections import write_the_last
from service.inbox.operations.replay import lane_of_waiting, retry_waiting
from service.leases.loops import comes, end, repeat
from service.notifications.alerts.operations.traffic import EVERY_S, Meter
from service.outbox.operations.post import Post
from service.outbox.operations.subscribers import topics_of
from service.retention.operations.report import Jobs

# How long something that is due waits for the look-out: the longer while nothing comes. What this
# process writes wakes it; the shorter one gives the commit its time.
SHORTEST_S = 0.1
LONGEST_S = 2.0
WRITE_EVERY_S = 1.0

log = structlog.get_logger(__name__)


class Kind:
    """One kind of rows to process, and the lanes of it in which something is under way.

    `find` returns one of some lanes in which something is due, `work` works a lane off and returns
    how much was done.
    """

    def __init__(
        self,
        find: Callable[[Sequence[Lane]], Awaitable[Lane | None]],
        work: Callable[[Lane], Awaitable[int]],
        lanes: Sequence[Lane],
        news: asyncio.Event,
    ) -> None:
        """Begin with nothing under way."""
        self._find, self._work, self._lanes, self._news = find, work, lanes, news
        self.under_way: dict[Lane, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin with what is due. A look that fails is no other kind's matter."""
        try:
            await self._begin()
        except Exception:
            log.exception("background round failed")

    async def _begin(self) -> None:
        """Begin with each lane in which something is due: one look where nothing is."""
        self.under_way = {lane: task for lane, task in self.under_way.items() if not task.done()}
        free = [lane for lane in self._lanes if lane not in self.under_way]
        while free and (lane := await self._find(free)) is not None:
            free.remove(lane)
            working = asyncio.create_task(self._run(lane), name="tillgate-background")
            self.under_way[lane] = working

    async def _run(self, lane: Lane) -> None:
        try:
            if await self._work(lane):
                self._news.set()  # there may be more than one round takes
        except Exception:  # the look-out must outlive whatever one round meets
            log.exception("background round failed")


@asynccontextmanager
async def background(jobs: Jobs) -> AsyncIterator[None]:
    """Look out for as long as the block lasts. Several processes may: each row is leased."""
    with WRITTEN.subscribed({EVENTS, *topics_of(jobs.subscribers)}) as news:
        kinds = list(_kinds(jobs, news))
        loops = {
            asyncio.create_task(_look_out(kinds, jobs.stopping, news), name="tillgate-background"),
            asyncio.create_task(
                repeat(partial(_write_rejections, jobs.inbox), WRITE_EVERY_S, jobs.stopping),
                name="tillgate-background",
            ),
            asyncio.create_task(
                repeat(partial(Meter().write, jobs.inbox.clock), EVERY_S, jobs.stopping),
                name="tillgate-background",
            ),
        }
        try:
            yield
        finally:
            jobs.stopping.set()
            news.set()
            await end(lambda: loops | _under_way(kinds))
            await write_the_last(jobs.inbox.rejections, jobs.inbox.clock.now())


def _kinds(jobs: Jobs, news: asyncio.Event) -> Iterator[Kind | Post]:
    inbox, stopping = jobs.inbox, jobs.stopping

    async def retry(lane: Lane) -> int:
        return await retry_waiting(inbox, lane=lane, stopping=stopping)

    yield Kind(partial(lane_of_waiting, inbox), retry, lanes_of(inbox.providers), news)
    yield Post(jobs.subscribers, inbox.clock, Until(math.inf, stopping), news.set)


async def _look_out(
    kinds: Sequence[Kind | Post], stopping: asyncio.Event, news: asyncio.Event
) -> None:
    pause = SHORTEST_S
    while not stopping.is_set():
        news.clear()
        await asyncio.gather(*(kind.look() for kind in kinds))
        pause = min(2 * pause, LONGEST_S)
        if await comes(news, pause):
            pause = SHORTEST_S
            await comes(stopping, pause)


async def _write_rejections(inbox: Inbox) -> None:
    await inbox.rejections.flush(inbox.clock.now())


def _under_way(kinds: Sequence[Kind | Post]) -> set[asyncio.Task[None]]:
    return {task for kind in kinds for task in kind.under_way.values() if not task.done()}
