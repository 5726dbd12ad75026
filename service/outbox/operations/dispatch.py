"""Make a delivery of each message for each of its subscribers.

Whatever happens in between, and however many do it at once, is harmless: deliveries have the id of
their message and subscriber, and a message is marked only when all of its own are there. Who hears
a message at its dispatch has done so before its delivery is there; who dies in between has another
give it to them once more.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from service.core.batches import Until
from service.core.clock import Clock
from service.leases.operations import leased
from service.outbox import repository
from service.outbox.documents import Birth, Delivery
from service.outbox.operations.making import Made, deliveries_of
from service.outbox.operations.subscribers import Subscriber, Subscribers
from service.outbox.operations.turn import Turn
from service.outbox.repository import Heard, Undispatched
from service.storage.answering import answers_in_time
from service.storage.database import DatabaseTime

LEASE = timedelta(seconds=10)
AT_ONCE = 300
HEARD_WITHIN_S = 1.0
"""Who hears messages at their dispatch has so long for some of them; what is left has its turn."""
_NAME = "dispatch"


class Dispatched(Struct, frozen=True):
    """How many messages were dispatched, how many deliveries are done with it, how many wait.

    `latest`: when the latest of the messages was written.
    """

    messages: int = 0
    heard: int = 0
    waiting: int = 0
    latest: DatabaseTime | None = None

    def __add__(self, other: "Dispatched") -> "Dispatched":
        """Return what both are together."""
        return Dispatched(
            self.messages + other.messages,
            self.heard + other.heard,
            self.waiting + other.waiting,
            other.latest or self.latest,
        )


async def dispatch(
    subscribers: Subscribers,
    clock: Clock,
    until: Until,
    after: DatabaseTime | None = None,
) -> Dispatched:
    """Dispatch what was written after some time. Raises `Unavailable`.

    One process at a time, since two would do the same.
    """
    done = Dispatched()
    async with leased(_NAME, LEASE, clock) as lease:
        while lease is not None and not until.over:
            some = await dispatch_some(subscribers, clock, after)
            done += some
            if some.messages < AT_ONCE:
                break
    return done


async def dispatch_some(
    subscribers: Subscribers, clock: Clock, after: DatabaseTime | None = None
) -> Dispatched:
    """Dispatch the oldest messages.

    Who is born is read after the messages are, so that whoever was born before one of them was
    written is known: also one that this process does not have.
    """
    by_name = {one.name: one for one in subscribers}
    async with answers_in_time():
        found = await repository.undispatched(AT_ONCE, clock, after)
        if found is None:
            return Dispatched()
        born = await be_born(subscribers)
        made = list(deliveries_of(found, born, by_name))
        hear = {one.name: one for one in subscribers if one.at_dispatch}
        now = [one for one in made if one.is_due(found.now) and one.row["subscriber"] in hear]
        later = {one.row["_id"]: one.row for one in made}
        for one in now:
            del later[one.row["_id"]]
        await repository.insert_deliveries([*later.values()])
    heard = sum([await _hear(one, now, found) for one in hear.values()])
    async with answers_in_time():
        await repository.insert_deliveries([one.row for one in now])
        await repository.mark_dispatched(found.messages)
    latest = found.messages[-1].written_at if found.messages else None
    return Dispatched(len(found.messages), heard, len(made) - heard, latest)


async def _hear(subscriber: Subscriber, made: Sequence[Made], found: Undispatched) -> int:
    """Have a subscriber hear its own of some deliveries; return how many were done.

    How each went is noted in its row.
    """
    own = {one.row["_id"]: one for one in made if one.subscriber is subscriber}
    deliveries = [Delivery.model_validate(one.row | {"attempts": 1}) for one in own.values()]
    until = Until(math.inf).at_most(HEARD_WITHIN_S)
    turn = Turn(subscriber, deliveries, lambda delivery: own[delivery.id].message, until)
    await turn.run()
    for delivery in turn.done:
        own[delivery.id].row.update(status="done", attempts=1, doneAt=found.now)
    for failed in turn.failed:
        at = found.now + failed.wait
        own[failed.delivery.id].row.update(attempts=1, error=failed.error, nextAttemptAt=at)
    turn.count()
    return len(turn.done)


async def be_born(subscribers: Subscribers) -> Sequence[Birth]:
    """Return all births; subscribers that were not born yet are born now.

    Its row comes first, and its time by a second command: whoever finds a message that is younger
    than a birth finds the row, however long the database took to write either.
    """
    born = await repository.births()
    known = {(birth.subscriber, birth.topic) for birth in born}
    unknown = [
        Heard(one.name, topic, one.always)
        for one in subscribers
        for topic in one.topics
        if (one.name, topic) not in known
    ]
    if unknown:
        await repository.expect(unknown)
    if unknown or any(birth.born_at is None for birth in born):
        await repository.give_birth()
        born = await repository.births()
    return born
