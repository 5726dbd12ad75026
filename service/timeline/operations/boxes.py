"""The lines of the inbox and the outbox: what was posted to us, what we tell. Pure."""

from collections.abc import Iterable, Iterator, Sequence

from service.core.strict_json import JsonObject
from service.inbox.documents import WebhookEvent
from service.inbox.states import InboxStatus
from service.outbox.documents import Delivery, OutboxMessage
from service.providers.actors import actor
from service.timeline.operations.entry import Entry, Tone

# Events of these are not done: they wait, or somebody must look.
_UNDONE = {InboxStatus.REVIEW, InboxStatus.FAILED, InboxStatus.PARKED, InboxStatus.DEAD}


def lines_of_events(events: Iterable[WebhookEvent]) -> Iterator[Entry]:
    """Return a line for each event: what it is, and what came of it."""
    for event in events:
        said = f": {event.reason}" if event.reason else ""
        came = f"{actor(event.provider)} reported {event.type} ({event.source})"
        summary = f"{came}, {event.status}{said}"
        detail: JsonObject = {"id": event.id, "attempts": event.attempts, "error": event.error}
        tone: Tone = "warn" if event.status in _UNDONE else ""
        yield Entry(event.received_at, "event", summary, detail, tone)


def lines_of_messages(
    messages: Iterable[OutboxMessage], deliveries: Iterable[Delivery]
) -> Iterator[Entry]:
    """Return a line for each message: where it was delivered, or that it was not yet."""
    told: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        told.setdefault(delivery.message_id, []).append(delivery)
    for message in messages:
        of = told.get(message.id, [])
        detail: JsonObject = {"id": message.id, "deliveries": [_delivery(one) for one in of]}
        summary = f"{message.topic}, {_standing(message, of)}"
        yield Entry(message.created_at, "outbox", summary, detail)


def _delivery(delivery: Delivery) -> JsonObject:
    return {
        "id": delivery.id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "error": delivery.error,
    }


def _standing(message: OutboxMessage, deliveries: Sequence[Delivery]) -> str:
    """Return how far a message has come; who only passes it on has not told anybody yet."""
    if message.status != "dispatched" or not deliveries:
        return message.status
    handed = [one.subscriber for one in deliveries if one.status == "done"]
    others = [f"{one.subscriber} {one.status}" for one in deliveries if one.status != "done"]
    return ", ".join([f"handed to {' and '.join(handed)}"] * bool(handed) + others)
