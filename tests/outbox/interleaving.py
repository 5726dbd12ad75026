"""One world of messages and subscribers, in which processes die between any two commands."""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from msgspec import Struct, field

from service.core.batches import Until
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.deliver import take_turn
from service.outbox.operations.dispatch import be_born, dispatch_some
from service.outbox.operations.subscribers import Subscriber, subscriber_of
from service.storage.plain import NO_TRANSACTION
from tests.outbox.subscribing import TOPIC, deliver, row_of
from tests.support.shop import Shop

FOREVER = Until(float("inf"))
COMMANDS = (
    *("undispatched", "births", "expect", "give_birth", "insert_deliveries", "mark_dispatched"),
    *("claim", "by_ids", "keep"),
)
"""What a process asks of the database on the way of a message: it dies before or after each."""
BEFORE, AMID, AFTER = range(3)
"""When it dies. Amid: of the deliveries that it inserts, the first half are there."""


class Died(BaseException):
    """A process ended here."""


class World(Struct):
    """What was written, who is born, and what each has heard."""

    shop: Shop
    written: list[str] = field(default_factory=list)
    due: set[tuple[str, str]] = field(default_factory=set)
    living: dict[str, Subscriber] = field(default_factory=dict)
    heard: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def write(self) -> None:
        """Write a message: whoever is born by now must hear it, and nobody else may."""
        key = f"{len(self.written)}"
        await repository.add_once([row_of(self.shop, key)], NO_TRANSACTION)
        message = f"{TOPIC}:{key}"
        self.written.append(message)
        self.due |= {(message, name) for name in await self._born()}

    async def bear(self, name: str) -> None:
        """Start a process with one subscriber more; it may be born by others, if they dispatch.

        `c` hears a message as that is dispatched, where its process does so.
        """

        async def handle(_: Delivery, message: OutboxMessage) -> None:
            self.heard[message.id, name] += 1

        one = Subscriber(name, frozenset({TOPIC}), handle, at_dispatch=name == "c")
        self.living[name] = one
        await be_born((one,))

    async def dispatch(self, names: tuple[str, ...]) -> None:
        """Dispatch in a process that has some of the subscribers."""
        await dispatch_some([one for one in self._all() if one.name in names], self.shop.clock)

    async def deliver(self) -> None:
        """Deliver what is due in each lane, in a process that has all subscribers."""
        self.shop.pass_time(minutes=2)  # the lease of whoever died is over
        for lane in (await repository.look(self.shop.clock, None)).lanes:
            await take_turn(lane, self.living[subscriber_of(lane)], self.shop.clock, FOREVER)

    async def redeliver(self, number: int) -> None:
        """Have one of the deliveries made again."""
        rows = await self.shop.database["deliveries"].find({}).sort("_id", 1).to_list()
        if rows:
            row = rows[number % len(rows)]
            path = f"/deliveries/{row['_id']}/redeliver"
            assert (await self.shop.admin("POST", path)).status_code == 200

    async def die(self, act: Callable[[], Awaitable[None]], command: str, when: int) -> None:
        """Let a process die before, amid or after a command of an act."""
        do = getattr(repository, command)

        async def dying(*arguments: Any, **named: Any) -> None:
            if when == AFTER:
                await do(*arguments, **named)
            elif when == AMID and command == "insert_deliveries":
                [rows] = arguments
                await do(rows[: len(rows) // 2])
            raise Died

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(repository, command, dying)
            with suppress(Died):
                await act()

    async def settle(self) -> None:
        """Let a process that lives do all that is left."""
        self.shop.pass_time(minutes=2)
        await deliver(self.shop.clock, *self._all())

    def broken(self) -> list[str]:
        """Return what was promised and is not so."""
        lost = [f"{pair} was not heard" for pair in self.due if not self.heard[pair]]
        early = [f"{pair} was before its birth" for pair in self.heard if pair not in self.due]
        return lost + early

    def _all(self) -> list[Subscriber]:
        return list(self.living.values())

    async def _born(self) -> set[str]:
        born = await self.shop.database["subscribers"].find({"bornAt": {"$ne": None}}).to_list()
        return {row["subscriber"] for row in born}
