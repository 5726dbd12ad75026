"""Gather what touched a session, in the order in which it happened, and say why it stands so."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from service.audit import repository as audit
from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.inbox import repository as webhooks
from service.inbox.documents import WebhookEvent
from service.outbox import repository as outbox
from service.outbox.documents import OutboxMessage
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.providers.money import to_major
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.decisions import AWAITING_CAPTURE
from service.sessions.operations.find_session import find_session
from service.sessions.states import Status, status_at
from service.storage.answering import answers_in_time

What = Literal["move", "checkout", "event", "payment", "outbox", "audit"]

# One commit writes all of these at one moment; told in this order they read as what led to what.
_CAUSES_FIRST: tuple[What, ...] = ("event", "audit", "payment", "move", "checkout", "outbox")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that touched the session. `summary` says it in words."""

    at: datetime
    what: What
    summary: str
    detail: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timeline:
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
        messages = await outbox.of_session(merchant_id, session_id)
        acts = await audit.of_object(merchant_id, f"session:{session_id}")
    entries = [
        *_moves(session),
        *_checkouts(session),
        *_events(events),
        *_payments(paid),
        *_messages(messages),
        *_acts(acts),
    ]
    entries.sort(key=lambda entry: (entry.at, _CAUSES_FIRST.index(entry.what)))
    return Timeline(session, entries, why(session, now))


def why(session: Session, now: datetime) -> str:
    """Say in a sentence why a session is in its state."""
    standing = status_at(session.status, session.expires_at, now)
    price = f"{to_major(session.amount, session.provider, session.currency)} {session.currency}"
    last = session.history[-1] if session.history else None
    by = f" by {last.by}" if last else ""
    sentence = {
        Status.PENDING: f"It waits for a payment of {price} until {session.expires_at:%F %T} UTC.",
        Status.PROCESSING: f"A payment of {price} is under way; the money has not come yet.",
        Status.COMPLETED: f"It was completed{by} {_with(session)}.",
        Status.FAILED: f"Its checkout ended without a payment, told{by}.",
        Status.EXPIRED: f"Nobody paid {price} before {session.expires_at:%F %T} UTC.",
        Status.CANCELED: f"It was canceled{by}.",
    }[standing]
    if session.late:
        sentence += " The payment came after the session's end."
    if last is not None and last.reason:
        sentence += f" Reason: {last.reason}."
    return sentence + _reviewed(session)


def _reviewed(session: Session) -> str:
    review = session.review
    if review is None:
        return ""
    if review.reason == AWAITING_CAPTURE:
        return (
            f" A payment that is held was accepted at {review.at:%F %T} UTC: the session is "
            f"completed once it is captured, event {review.event_id}."
        )
    return f" A person must look: {review.reason}, event {review.event_id}."


def _with(session: Session) -> str:
    paid = session.provider_payment_id
    return f"with payment {paid}" if paid else "without a payment: none was due"


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
        summary = f"{event.provider} told {event.type} ({event.source}), {event.status}{said}"
        detail: JsonObject = {"id": event.id, "attempts": event.attempts, "error": event.error}
        yield Entry(event.received_at, "event", summary, detail)


def _payments(paid: Iterable[Payment]) -> Iterable[Entry]:
    for payment in paid:
        price = to_major(payment.amount, payment.provider, payment.currency)
        summary = f"payment {payment.provider_payment_id}: {price} {payment.currency}"
        yield Entry(payment.created_at, "payment", f"{summary}, {payment.status}")


def _messages(messages: Iterable[OutboxMessage]) -> Iterable[Entry]:
    for message in messages:
        detail: JsonObject = {"id": message.id, "attempts": message.attempts}
        yield Entry(
            message.created_at,
            "outbox",
            f"{message.topic}, {message.status}",
            detail | {"error": message.error},
        )


def _acts(acts: Iterable[AuditEntry]) -> Iterable[Entry]:
    for act in acts:
        because = f": {act.reason}" if act.reason else ""
        yield Entry(act.at, "audit", f"{act.actor} did {act.action}{because}", act.detail)
