"""Which deliveries a message makes: one for each subscriber that was born before it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from service.outbox.documents import Birth, Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber, lane_of
from service.outbox.repository import Undispatched
from service.storage.database import Row

GIVE_UP_AFTER = timedelta(days=3)

log = structlog.get_logger(__name__)


class Made(Struct, frozen=True):
    """A delivery that is made of a message. `subscriber`: None where this process has it not."""

    row: Row
    message: OutboxMessage
    subscriber: Subscriber | None

    def is_due(self, now: datetime) -> bool:
        """Return whether it is not held back."""
        return bool(self.row["nextAttemptAt"] <= now)


def deliveries_of(
    found: Undispatched, born: Iterable[Birth], by_name: Mapping[str, Subscriber]
) -> Iterable[Made]:
    """Make a delivery of each message for each who was born before it, and surely wants it."""
    hearing: dict[str, list[Birth]] = {}
    for birth in born:
        hearing.setdefault(birth.topic, []).append(birth)
    for message in found.messages:
        for birth in hearing.get(message.topic, ()):
            # Whose row has no time yet was added after the messages were found.
            if birth.born_at is not None and message.written_at >= birth.born_at:
                subscriber = by_name.get(birth.subscriber)
                if subscriber is None or subscriber.wants(message):
                    row = _delivery(message, birth.subscriber, subscriber, found)
                    yield Made(row, message, subscriber)


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
