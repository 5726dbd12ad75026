"""Gather what touched a session, in the order in which it happened."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, field

from service.audit import repository as audit
from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.inbox import repository as webhooks
from service.inbox.documents import WebhookEvent
from service.outbox import repository as outbox
from service.outbox.documents import Delivery, OutboxMessage
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.providers.money import to_major
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session
from service.storage.answering import answers_in_time
from service.timeline.operations.why import why

What = Literal["move", "checkout", "event", "payment", "outbox", "audit"]

# One commit writes all of these at one moment; shown in this order they read as what led to what.
_CAUSES_FIRST: tuple[What, ...] = ("event", "audit", "payment", "move", "checkout", "outbox")


class Entry(Struct, frozen=True):
    """One thing that touched the session. `summary` says it in words."""

    at: datetime
    what: What
    summary: str
    detail: JsonObject = field(default_factory=dict)


class Timeline(Struct, frozen=True):
    """All that touched a session, oldest first, and why it is in its state."""

    session: Session
    entries: list[Entry]
    why: str


async def timeline(session_id: str, caller: Caller, now: datetime) -> Timeline:
    """Gather a session's timeline. Raises `SessionNotFound`."""
    session = await find_session(session_id, caller)
    merchant_id = session.merchant_id
    async with answers_in_time():
        events = await webhooks.of_session(merchant_id, session_id)
        paid = await payments.of_session(merchant_id, session_id)
        messages, deliveries = await outbox.of_session(merchant_id, session_id)
        acts = await audit.of_object(merchant_id, f"session:{session_id}")
    entries = [
        *_moves(session),
        *_checkouts(session),
        *_events(events),
        *_payments(paid),
        *_messages(messages, deliveries),
        *_acts(acts),
    ]
    entries.sort(key=lambda entry: (entry.at, _CAUSES_FIRST.index(entry.what)))
    return Timeline(session, entries, why(session, now))


def _moves(session: Session) -> Iterable[Entry]:
    for move in session.history:
        before = f"from {move.from_status} " if move.from_status else ""
        detail: JsonObject = {"by": move.by, "eventId": move.event_id, "reason": move.reason}
        yield Entry(move.at, "move", f"{before}to {move.to} by {move.by}", detail)


def _checkouts(session: Session) -> Iterable[Entry]:
    for checkout in session.checkouts:
        summary = f"checkout {checkout.n} was opened at {session.provider}"
        yield Entry(checkout.opened_at, "checkout", summary, {"ref": checkout.ref})


def _events(events: Iterable[WebhookEvent]) -> Iterable[Entry]:
    for event in events:
        said = f": {event.reason}" if event.reason else ""
        summary = f"{event.provider} reported {event.type} ({event.source}), {event.status}{said}"
        detail: JsonObject = {"id": event.id, "attempts": event.attempts, "error": event.error}
        yield Entry(event.received_at, "event", summary, detail)


def _payments(paid: Iterable[Payment]) -> Iterable[Entry]:
    for payment in paid:
        price = to_major(payment.amount, payment.provider, payment.currency)
        summary = f"payment {payment.provider_payment_id}: {price} {payment.currency}"
        yield Entry(payment.created_at, "payment", f"{summary}, {payment.status}", _detail(payment))


def _detail(payment: Payment) -> JsonObject:
    """Return what is known of a payment besides its money."""
    detail: JsonObject = {
        "method": payment.payment_method,
        **msgspec.to_builtins(payment.details),
        "failureCode": payment.failure_code,
        "failureMessage": payment.failure_message,
        "declineCode": payment.decline_code,
    }
    return {name: value for name, value in detail.items() if value is not None}


def _messages(messages: Iterable[OutboxMessage], deliveries: Iterable[Delivery]) -> Iterable[Entry]:
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
    if message.status == "dispatched" and deliveries:
        return ", ".join(f"{one.subscriber} {one.status}" for one in deliveries)
    return message.status


def _acts(acts: Iterable[AuditEntry]) -> Iterable[Entry]:
    for act in acts:
        because = f": {act.reason}" if act.reason else ""
        yield Entry(act.at, "audit", f"{act.action} by {act.actor}{because}", act.detail)
