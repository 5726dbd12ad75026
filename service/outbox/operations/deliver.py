"""Deliver what is due in a lane: a turn of it, after which others have theirs."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import timedelta

import structlog

from service.core.batches import Until
from service.core.clock import Clock
from service.core.errors import TillgateError, reason_of
from service.core.measures import DELIVERIES
from service.leases.backoff import backoff, jittered
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.errors import MessageGone
from service.outbox.operations.subscribers import Subscriber
from service.outbox.repository import Claimed, Failed
from service.storage.answering import answers_in_time
from service.storage.database import Row

LEASE = timedelta(seconds=60)
FIRST_WAIT = timedelta(seconds=2)
# A lane that has more comes again after the others.
AT_ONCE = 100
TURN_S = 5.0
GONE = "Its message is gone: nobody knows any more what was to be delivered."

log = structlog.get_logger(__name__)


async def take_turn(lane: str, subscriber: Subscriber, clock: Clock, until: Until) -> int:
    """Deliver what is due longest in a lane; return how many were delivered.

    No delivery is begun after some seconds, nor once the work is over: what was claimed and not
    begun goes back. How they went is kept by one command at the end, also where the turn is cut.
    """
    async with answers_in_time():
        claimed = await repository.claim(lane, AT_ONCE, LEASE, clock)
        if claimed is None:
            return 0
        ids = [one.message_id for one in claimed.deliveries]
        messages = await repository.by_ids(ids)
    turn = _Turn(claimed, subscriber, messages, until.at_most(TURN_S))
    try:
        await turn.run()
    finally:
        await turn.keep(clock)
    return len(turn.done)


class _Turn:
    """What was claimed of a lane, and how it went so far."""

    def __init__(
        self,
        claimed: Claimed,
        subscriber: Subscriber,
        messages: Mapping[str, Row],
        until: Until,
    ) -> None:
        """Begin with all of it to be done."""
        self._claimed, self._subscriber = claimed, subscriber
        self._messages, self._until = messages, until
        self._left = deque(claimed.deliveries)
        self.done: list[Delivery] = []
        self.failed: list[Failed] = []

    async def run(self) -> None:
        """Deliver, some at once, until nothing is left or the time is over."""
        workers = min(self._subscriber.at_once, len(self._left))
        if workers <= 1:
            await self._work()
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(), name="tillgate-delivery")

    async def keep(self, clock: Clock) -> None:
        """Keep how it went."""
        async with answers_in_time():
            await repository.keep(
                self._claimed,
                done=self.done,
                failed=self.failed,
                untouched=list(self._left),
                clock=clock,
            )
        _count(self._subscriber.name, len(self.done), len(self.failed))

    async def _work(self) -> None:
        while self._left and not self._until.over:
            await self._deliver(self._left.popleft())

    async def _deliver(self, delivery: Delivery) -> None:
        row = self._messages.get(delivery.message_id)
        try:
            if row is None:
                raise MessageGone(GONE)
            message = OutboxMessage.model_validate(row)
            if message.status != "done":  # what was done by another way is delivered to nobody
                await self._subscriber.handle(delivery, message)
        except Exception as error:
            known = isinstance(error, TillgateError)
            log.warning("delivery failed", delivery=delivery.id, exc_info=not known)
            self.failed.append(Failed(delivery, reason_of(error), wait_after(delivery.attempts)))
        else:
            self.done.append(delivery)


def _count(subscriber: str, done: int, failed: int) -> None:
    for outcome, count in (("delivered", done), ("failed", failed)):
        if count:
            DELIVERIES.labels(subscriber, outcome).inc(count)


def wait_after(attempts: int) -> timedelta:
    """Return the wait before the next attempt: about 2, 4, 8 … seconds, at most 6 hours."""
    return jittered(backoff(attempts, FIRST_WAIT))
