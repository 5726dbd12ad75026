"""Tell of a subscription: in memory, thousands of times a second, or on the database."""

import json
import random
from datetime import timedelta
from typing import Any, Protocol

from service.core.clock import Clock
from service.effects import apply
from service.effects.applying import Applying
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.payments.subscriptions import repository
from service.providers.base import VerifiedEvent
from service.providers.stripe.translate import translate_event
from service.sessions.operations.moving.move import Cause
from service.sessions.states import Lifetimes
from service.storage.database import Database, Row
from service.storage.plain import NO_TRANSACTION
from tests.effects.remembered import Remembered
from tests.subscriptions.lives import Event, Told
from tests.support.shop import Shop

# No session is moved here.
LIFETIMES = Lifetimes(*(timedelta(days=n) for n in (1, 2, 3, 4)))


class Ledger(Protocol):
    """Where events and answers are told, and what is kept of them."""

    async def tell(self, event: VerifiedEvent) -> None:
        """Take an event in."""

    async def number(self, subscription_id: str) -> int:
        """Begin a reading."""

    async def rows(self, name: str) -> list[Row]:
        """Return all rows of a collection."""


class InMemory:
    """A ledger without a database."""

    def __init__(self, clock: Clock) -> None:
        """Begin with nothing."""
        self.tx, self._clock = Remembered(), clock
        self._known: set[str] = set()

    async def tell(self, event: VerifiedEvent) -> None:
        """Apply an event once; the inbox sees to that."""
        if event.inbox_id in self._known:
            return
        self._known.add(event.inbox_id)
        cause = Cause(event.provider, self._clock.now(), event_id=event.inbox_id)
        doing = Applying(self.tx, event, cause, LIFETIMES, "default")
        result = await apply._apply_facts(doing, None)
        if result.missing is not None:
            self._known.discard(event.inbox_id)

    async def number(self, subscription_id: str) -> int:
        """Count a reading in its row."""
        [row] = self.tx.rows["subscriptions"]
        row["asked"] += 1
        return int(row["asked"])

    async def rows(self, name: str) -> list[Row]:
        """Return all rows."""
        return self.tx.rows[name]


class OnDatabase:
    """A ledger in the database, behind the inbox."""

    def __init__(self, shop: Shop) -> None:
        """Begin with what is there."""
        self._shop = shop

    async def tell(self, event: VerifiedEvent) -> None:
        """Take an event in, as a webhook's or as an answer's."""
        source: Any = "fetch" if event.type.startswith("fetched") else "webhook"
        await take_in(Arrival(event, source), self._shop.api.container.inbox)

    async def number(self, subscription_id: str) -> int:
        """Begin a reading as the service does."""
        known = await repository.find("stripe", "default", subscription_id, NO_TRANSACTION)
        assert known is not None
        return await repository.begin_reading(known)

    async def rows(self, name: str) -> list[Row]:
        """Return all rows."""
        database: Database = self._shop.database
        return await database[name].find({}).to_list()


def verified(event: Event) -> VerifiedEvent:
    """Return an event as its webhook is translated."""
    return translate_event(json.loads(event[2]), event[2])


def answered(shop: Shop, told: Told, payload: bytes, read: int) -> VerifiedEvent:
    """Return an answer as it is translated."""
    provider: Any = shop.api.container.inbox.providers["stripe"]
    event: VerifiedEvent = provider.translate_stored(f"fetch:{told.id}:{read}", payload)
    return event


async def live(shop: Shop, ledger: Ledger, told: Told, drawn: random.Random) -> None:
    """Live a life: events come late, twice and in any order, and so do answers."""
    waiting: list[VerifiedEvent] = []
    for _ in range(drawn.randint(2, 9)):
        told.act(drawn)
        fresh = [verified(one) for one in told.events]
        told.events.clear()
        waiting += fresh + drawn.sample(fresh, drawn.randint(0, len(fresh)))
        drawn.shuffle(waiting)
        for _ in range(drawn.randint(0, len(waiting))):
            await ledger.tell(waiting.pop())
        if await ledger.rows("subscriptions") and drawn.random() < 0.5:
            number = await ledger.number(told.id)
            if drawn.random() < 0.7:  # else the provider is down
                waiting.append(answered(shop, told, told.answer(), number))
    drawn.shuffle(waiting)
    for event in waiting:
        await ledger.tell(event)
    await heal(shop, ledger, told)


async def heal(shop: Shop, ledger: Ledger, told: Told) -> None:
    """Read it until nothing is unread."""
    for _ in range(10):
        [row] = await ledger.rows("subscriptions")
        if not row["unread"]:
            return
        number = await ledger.number(told.id)
        await ledger.tell(answered(shop, told, told.answer(), number))
    raise AssertionError("It is read again and again.")
