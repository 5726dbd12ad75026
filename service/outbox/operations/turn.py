"""A turn: deliveries that are given to their subscriber, some at once, and how they went."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeAlias

import structlog

from service.core.batches import Until
from service.core.errors import TillgateError, reason_of
from service.core.measures import DELIVERIES
from service.leases.backoff import backoff, jittered
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber
from service.outbox.repository import Failed

FIRST_WAIT = timedelta(seconds=2)

MessageOf: TypeAlias = Callable[[Delivery], OutboxMessage]
"""Returns the message of a delivery, or raises why there is none."""

log = structlog.get_logger(__name__)


class Turn:
    """What is to be given to a subscriber, and how it went so far: `left` was not begun."""

    def __init__(
        self,
        subscriber: Subscriber,
        deliveries: Iterable[Delivery],
        message_of: MessageOf,
        until: Until,
    ) -> None:
        """Begin with all of it to be done."""
        self._subscriber, self._message_of, self._until = subscriber, message_of, until
        self.left = deque(deliveries)
        self.done: list[Delivery] = []
        self.failed: list[Failed] = []

    async def run(self) -> None:
        """Deliver, some at once, until nothing is left, the time is over, or who hears waits."""
        workers = min(self._subscriber.at_once, len(self.left))
        if workers <= 1:
            await self._work()
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._work(), name="tillgate-delivery")

    def count(self) -> None:
        """Count what was done and what failed, once that is kept."""
        for outcome, some in (("delivered", self.done), ("failed", self.failed)):
            if some:
                DELIVERIES.labels(self._subscriber.name, outcome).inc(len(some))

    async def _work(self) -> None:
        while self.left and not self._until.over and not self._subscriber.waits():
            await self._deliver(self.left.popleft())

    async def _deliver(self, delivery: Delivery) -> None:
        try:
            message = self._message_of(delivery)
            if message.status != "done":  # what was done by another way is delivered to nobody
                await self._subscriber.handle(delivery, message)
        except Exception as error:
            known = isinstance(error, TillgateError)
            log.warning("delivery failed", delivery=delivery.id, exc_info=not known)
            self.failed.append(Failed(delivery, reason_of(error), wait_after(delivery.attempts)))
        else:
            self.done.append(delivery)


def wait_after(attempts: int) -> timedelta:
    """Return the wait before the next attempt: about 2, 4, 8 … seconds, at most 6 hours."""
    return jittered(backoff(attempts, FIRST_WAIT))
