"""Make a delivery of each message for each of its subscribers.

Whatever happens in between, and however many do it at once, is harmless: deliveries have the id of
their message and subscriber, and a message is marked only when all of its own are there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from service.core.batches import Until
from service.core.clock import Clock
from service.leases.operations import leased
from service.outbox import repository
from service.outbox.documents import Birth, Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber, Subscribers, lane_of
from service.outbox.repository import Heard, Undispatched
from service.storage.answering import answers_in_time
from service.storage.database import Row

LEASE = timedelta(seconds=10)
AT_ONCE = 300
GIVE_UP_AFTER = timedelta(days=3)
_NAME = "dispatch"

log = structlog.get_logger(__name__)


async def dispatch(subscribers: Subscribers, clock: Clock, until: Until) -> int:
    """Dispatch what was written; return how many messages that were. Raises `Unavailable`.

    One process at a time, since two would do the same.
    """
    done = 0
    async with leased(_NAME, LEASE, clock) as lease:
        while lease is not None and not until.over:
            async with answers_in_time():
                some = await dispatch_some(subscribers, clock)
            done += some
            if some < AT_ONCE:
                break
    return done


async def dispatch_some(subscribers: Subscribers, clock: Clock) -> int:
    """Dispatch the oldest messages; return how many.

    Who is born is read after the messages are, so that whoever was born before one of them was
    written is known: also one that this process does not have.
    """
    found = await repository.undispatched(AT_ONCE, clock)
    if found is None:
        return 0
    born = await be_born(subscribers)
    by_name = {one.name: one for one in subscribers}
    await repository.insert_deliveries(list(_deliveries(found, born, by_name)))
    await repository.mark_dispatched(found.messages)
    return len(found.messages)


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


def _deliveries(
    found: Undispatched, born: Iterable[Birth], by_name: Mapping[str, Subscriber]
) -> Iterable[Row]:
    hearing: dict[str, list[Birth]] = {}
    for birth in born:
        hearing.setdefault(birth.topic, []).append(birth)
    for message in found.messages:
        for birth in hearing.get(message.topic, ()):
            # Whose row has no time yet was added after the messages were found.
            if birth.born_at is not None and message.written_at >= birth.born_at:
                subscriber = by_name.get(birth.subscriber)
                if subscriber is None or subscriber.wants(message):
                    yield _delivery(message, birth.subscriber, subscriber, found)


def _delivery(
    message: OutboxMessage, name: str, subscriber: Subscriber | None, found: Undispatched
) -> Row:
    """Make a row.

    What is held back is so for as long as its writer meant, whatever clock that has.
    """
    held_until = message.held_until or message.created_at
    return Delivery.new_row(
        {
            "_id": f"{message.id}:{name}",
            "messageId": message.id,
            "subscriber": name,
            "topic": message.topic,
            "merchantId": message.merchant_id,
            "sessionId": message.session_id,
            "lane": lane_of(name, _destination(message, subscriber)),
            "createdAt": found.now,
            "nextAttemptAt": min(held_until, found.now + (held_until - message.created_at)),
            "giveUpAt": found.now + GIVE_UP_AFTER,
            "purgeAt": message.purge_at,
        }
    )


def _destination(message: OutboxMessage, subscriber: Subscriber | None) -> str:
    """Return where a message goes; "" where only another version knows, or nobody can tell.

    One that can't be told must not keep all messages after it.
    """
    if subscriber is None:
        return ""
    try:
        return subscriber.destination(message)
    except Exception:
        log.exception("no destination", message=message.id, subscriber=subscriber.name)
        return ""
