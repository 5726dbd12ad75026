"""Make an event of a message of the outbox: the record in which everything is told outside."""

from datetime import datetime

from msgspec import Struct

from service.core.ids import digest
from service.core.json_text import to_json
from service.core.strict_json import JsonObject, JsonValue
from service.notifications.events.states import EVENT_TYPES
from service.outbox.documents import OutboxMessage

_DIGITS = 24


class Event(Struct, frozen=True, rename="camel", kw_only=True):
    """Something that happened to a merchant's session or money.

    `id` is the same however often it is told, and to whomever. `session_id` is empty where it is
    about none. `data` names what changed: ids, status, amount in minor units, currency.
    """

    id: str
    type: str
    created_at: datetime
    merchant_id: str
    session_id: str
    data: JsonObject


def event_of(message: OutboxMessage) -> Event | None:
    """Return a message as an event for outside; None where it is for nobody there.

    Such are the commands to our own subscribers (`provider.*`), which name what only we may know.
    """
    return event_about(message) if message.topic in EVENT_TYPES else None


def event_about(message: OutboxMessage, **more: JsonValue) -> Event:
    """Return an event of a message, whatever its topic, with `more` in its data."""
    return Event(
        id=event_id(message.id),
        type=message.topic,
        created_at=message.created_at,
        merchant_id=message.merchant_id,
        session_id=message.session_id,
        data=message.payload | more,
    )


def event_id(message_id: str) -> str:
    """Return the id of a message's event: the same whenever and by whomever it is made."""
    return f"evt_{digest(message_id)[:_DIGITS]}"


def encoded(event: Event) -> bytes:
    """Return an event as it goes out, in JSON: the same bytes each time, so that they are signed.

    Times are RFC 3339 in UTC.
    """
    return to_json(event)
