"""Send what is due to the endpoints: many at once, and what hangs holds up only itself."""

import asyncio
import time
from datetime import timedelta

import structlog

from service.core.batches import Until
from service.core.errors import InvalidInput, Misconfigured, Unavailable
from service.core.measures import WEBHOOKS_SENT, counter
from service.leases.loops import comes
from service.notifications.endpoints.documents import WebhookEndpoint
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import deliveries as repository
from service.notifications.endpoints.repository.deliveries import Claimed
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.front import Front
from service.notifications.endpoints.sending.lines import Lines
from service.notifications.endpoints.sending.messages import Route, route_to
from service.notifications.endpoints.sending.noting import note_all
from service.notifications.endpoints.sending.pace import Pace
from service.notifications.endpoints.sending.trying import Tried, kept_of, try_once
from service.storage.answering import answers_in_time

LEASE = timedelta(seconds=60)
AT_ONCE = 400
"""Deliveries that this process holds: each of them may be a connection."""
MOST_OF_ONE = AT_ONCE // 2
"""Where there are others, a merchant for whom so many are held waits: a hundred endpoints that
answer slowly would hold up everybody's. What is taken at a time then leaves room for the others."""
KEPT_AT_ONCE = 100
KEEP_EVERY_S = 0.05
LOOK_EVERY_S = 0.5
_NAME = "webhooks"

log = structlog.get_logger(__name__)


class Sender:
    """What one process sends. Several may: each delivery is leased.

    Tries are kept some at once, shortly after: a process that is killed in between has sent what
    another sends again, under the same id.
    """

    def __init__(
        self, services: EndpointServices, client: Client, until: Until, pace: Pace | None = None
    ) -> None:
        """Begin with nothing under way. Without a `pace` nothing else is done here."""
        self._services, self._client, self._until = services, client, until
        self._stopping = until.stopping or asyncio.Event()
        self._pace = pace or Pace(lambda: (0, 0))
        self._is_serving = pace is not None
        self._front = Front(services.backlog)
        self._lines = Lines()
        self._workers: set[asyncio.Task[None]] = set()
        self._tried: list[Tried] = []
        self._left: list[tuple[Claimed, timedelta]] = []
        self._routes: dict[str, tuple[WebhookEndpoint, Route]] = {}
        self._progress = asyncio.Event()
        self._looked_at = 0.0
        self._more = True
        self._sent = 0
        self.under_way: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin with what is due; without any endpoint nothing is asked. Never raises."""
        try:
            await self._services.endpoints.refresh()
        except Exception:
            log.exception("background round failed")
        if self._services.endpoints.is_empty:
            return
        self._more = True
        running = self.under_way.get(_NAME)
        if running is None or running.done():
            self.under_way[_NAME] = asyncio.create_task(self._run(), name="tillgate-background")

    async def work_off(self) -> int:
        """Send all that is due until nothing is; return how many tries that took."""
        before = self._sent
        await self._services.endpoints.refresh(0)
        await self._send_all()
        return self._sent - before

    async def _run(self) -> None:
        try:
            await self._send_all()
        except Exception:  # the look-out must outlive whatever one round meets
            log.exception("background round failed")

    async def _send_all(self) -> None:
        self._more = True
        try:
            while True:
                self._pace.look()
                await self._claim()
                if not self._lines.size and not self._tried and not self._more:
                    break
                await comes(self._progress, KEEP_EVERY_S)
                self._progress.clear()
                await self._keep()
                if self._until.over:
                    break
                await self._pace.rest(self._stopping)
        except asyncio.CancelledError:  # let go: nobody waits for what hangs
            for worker in self._workers:
                worker.cancel()
            raise
        finally:
            await self._stop()

    async def _claim(self) -> None:
        """Take what is due, where there is room, and there may be something."""
        room = AT_ONCE - self._lines.size
        now = time.monotonic()
        if self._until.over or room < AT_ONCE // 4:
            return
        if not self._more and now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at, room = now, self._pace.step(room)
        full, clock = self._lines.full, self._services.clock
        if self._services.endpoints.is_of_several:
            room = min(room, AT_ONCE // 4)
            full |= self._services.endpoints.of(self._lines.greedy(MOST_OF_ONE))
        after = self._front.after() if self._is_serving else None
        async with answers_in_time():
            found = await repository.claim(room, full, LEASE, clock, after)
        self._front.note(after, found, whole=not full)
        # Of an endpoint for which enough waits here there may be more than was asked for.
        self._more = len(found) == room or bool(full)
        refused = self._lines.add(found)
        self._put_off(refused)
        # What fails is due again and again: it alone would hold back everybody's for ever.
        is_full = len(found) == room and len(refused) <= room // 2
        self._services.backlog.note(busy=self._pace.is_busy, more=is_full)
        await self._services.endpoints.know(one.endpoint_id for one in found)
        for endpoint_id in self._lines.idle_workers():
            worker = asyncio.create_task(self._work(endpoint_id), name="tillgate-webhooks")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)

    async def _work(self, endpoint_id: str) -> None:
        """Send what waits for an endpoint, one after the other."""
        while (claimed := self._lines.next(endpoint_id)) is not None:
            self._note(await self._try(claimed))

    async def _try(self, claimed: Claimed) -> Tried:
        clock = self._services.clock
        try:
            route = self._route(claimed.endpoint_id)
        except (InvalidInput, Misconfigured) as error:
            return Tried(claimed, clock.now(), 0, error=error.message)
        if route is None:
            return Tried(claimed, clock.now(), 0, canceled=True)
        self._sent += 1
        return await try_once(claimed, route, self._client, clock)

    def _route(self, endpoint_id: str) -> Route | None:
        """Return how an endpoint is sent to; None where it is disabled or gone.

        What is sealed is opened once, as long as the endpoint stays as it is.
        """
        endpoint = self._services.endpoints.find(endpoint_id)
        if endpoint is None or endpoint.disabled is not None:
            self._routes.pop(endpoint_id, None)
            return None
        known = self._routes.get(endpoint_id)
        if known is None or known[0] is not endpoint:
            known = endpoint, route_to(endpoint, self._services.sealer)
            self._routes[endpoint_id] = known
        return known[1]

    def _note(self, tried: Tried) -> None:
        """Note how a try went; it is kept with others."""
        self._tried.append(tried)
        endpoint_id = tried.claimed.endpoint_id
        if tried.error is None:
            self._lines.took(endpoint_id)
        else:
            self._put_off(self._lines.failed(endpoint_id, tried.at))
        if not tried.canceled:
            counter(WEBHOOKS_SENT, "delivered" if tried.error is None else "failed").inc()
        if len(self._tried) >= KEPT_AT_ONCE or not self._lines.size:
            self._progress.set()

    def _put_off(self, claimed: list[Claimed]) -> None:
        now = self._services.clock.now()
        self._left += [(one, self._lines.wait_of(one.endpoint_id, now)) for one in claimed]

    async def _keep(self) -> None:
        """Keep how tries went, and what they say of their endpoints."""
        tried, self._tried = self._tried, []
        left, self._left = self._left, []
        clock = self._services.clock
        by_wait: dict[timedelta, list[Claimed]] = {}
        for one, wait in left:
            by_wait.setdefault(wait, []).append(one)
        if tried:
            await self._keep_tries(tried)
            self._more |= any(one.claimed.lane is not None for one in tried)
        for wait, some in by_wait.items():
            async with answers_in_time():
                await repository.give_back(some, wait, clock)
        await note_all(self._services, tried)

    async def _keep_tries(self, tried: list[Tried]) -> None:
        """Keep tries; those that the database does not take are kept with the next."""
        try:
            async with answers_in_time():
                await repository.keep([kept_of(one) for one in tried], self._services.clock)
        except Unavailable:
            self._tried = tried + self._tried
            raise

    async def _stop(self) -> None:
        """Return what is not begun; wait for what is under way, and keep how it went."""
        self._services.backlog.note(busy=False, more=False)
        self._left += [(one, timedelta(0)) for one in self._lines.leave_all()]
        workers = list(self._workers)
        try:
            if workers:
                await asyncio.wait(workers)
        finally:
            for worker in workers:
                worker.cancel()
            await self._keep()
