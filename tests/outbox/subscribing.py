"""Subscribers for tests, and the post of one process that has them."""

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from service.core.clock import Clock
from service.core.errors import ProviderFailed
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.messages import message
from service.outbox.operations.post import Post
from service.outbox.operations.subscribers import Subscriber
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from tests.support.shop import Shop

TOPIC = "test.topic"
DEAD = "test.topic:1:test"


class Listener:
    """Notes what it was given, and fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.got: list[str] = []
        self.failures = failures

    async def __call__(self, delivery: Delivery, told: OutboxMessage) -> None:
        self.got.append(told.id)
        await asyncio.sleep(0)
        if len(self.got) <= self.failures:
            raise ProviderFailed("not now")


def subscriber(handle: Any, name: str = "test", topic: str = TOPIC, **more: Any) -> Subscriber:
    """Make one that hears one topic."""
    return Subscriber(name, frozenset({topic}), handle, **more)


async def deliver(clock: Clock, *subscribers: Subscriber) -> int:
    """Dispatch and deliver all that is due, as one process does; return how many."""
    return await Post(subscribers, clock).work_off()


async def born(clock: Clock, *subscribers: Subscriber) -> None:
    """Have subscribers born before anything is written."""
    await deliver(clock, *subscribers)


def row_of(shop: Shop, key: str = "1", topic: str = TOPIC, **payload: Any) -> Row:
    """Make the row of a message."""
    about: dict[str, Any] = {"merchant_id": "default", "session_id": "s-1", "payload": payload}
    return message(topic, key, now=shop.clock.now(), **about)


async def write(shop: Shop, *keys: str, topic: str = TOPIC) -> None:
    """Write messages."""
    rows = [row_of(shop, key, topic) for key in keys or ("1",)]
    await repository.add_once(rows, NO_TRANSACTION)


async def deliveries(shop: Shop, **wanted: Any) -> Sequence[Row]:
    """Return deliveries as they are stored."""
    return await shop.database["deliveries"].find(wanted).sort("_id", 1).to_list()


async def dead_letter(shop: Shop, merchant_id: str = "default") -> None:
    """Write a message of which a delivery was given up."""
    row = row_of(shop) | {"merchantId": merchant_id}
    await repository.add_once([row], NO_TRANSACTION)
    failing = replace(subscriber(Listener(failures=1)), always=True)
    await deliver(shop.clock, failing)
    await shop.database["deliveries"].update_one({"_id": DEAD}, {"$set": {"status": "dead"}})
