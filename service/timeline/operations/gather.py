"""Gather what touched a session, in the order in which it happened."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from service.audit import repository as audit
from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.inbox import repository as webhooks
from service.outbox import repository as outbox
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session
from service.sessions.states import Status
from service.storage.answering import answers_in_time
from service.timeline.operations.boxes import lines_of_events, lines_of_messages
from service.timeline.operations.came_back import lines_of_disputes, lines_of_refunds
from service.timeline.operations.entry import CAUSES_FIRST, Entry, Tone
from service.timeline.operations.ledger import read_ledger
from service.timeline.operations.paid import lines_of_payments
from service.timeline.operations.subscribed import lines_of_subscriptions, read_subscriptions
from service.timeline.operations.why import why

_MOVES: dict[Status, Tone] = {
    Status.COMPLETED: "good",
    Status.FAILED: "bad",
    Status.EXPIRED: "bad",
    Status.CANCELED: "bad",
}


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
        ledger = await read_ledger(merchant_id, session_id)
        messages, deliveries = await outbox.of_session(merchant_id, session_id)
        acts = await audit.of_object(merchant_id, f"session:{session_id}")
        begun = await read_subscriptions(session)
    entries = [
        *_moves(session),
        *_checkouts(session),
        *lines_of_events(events),
        *lines_of_payments(ledger, events),
        *lines_of_refunds(ledger.refunds),
        *lines_of_disputes(ledger.disputes),
        *lines_of_subscriptions(begun),
        *lines_of_messages(messages, deliveries),
        *_acts(acts),
    ]
    entries.sort(key=lambda entry: (entry.at, CAUSES_FIRST.index(entry.what)))
    return Timeline(session, entries, why(session, now, ledger))


def _moves(session: Session) -> Iterable[Entry]:
    for move in session.history:
        before = f"from {move.from_status} " if move.from_status else ""
        detail: JsonObject = {"by": move.by, "eventId": move.event_id, "reason": move.reason}
        summary = f"{before}to {move.to} by {move.by}"
        yield Entry(move.at, "move", summary, detail, _MOVES.get(move.to, ""))


def _checkouts(session: Session) -> Iterable[Entry]:
    for checkout in session.checkouts:
        summary = f"checkout {checkout.n} was opened at {session.provider}"
        yield Entry(checkout.opened_at, "checkout", summary, {"ref": checkout.ref})


def _acts(acts: Iterable[AuditEntry]) -> Iterable[Entry]:
    for act in acts:
        because = f": {act.reason}" if act.reason else ""
        yield Entry(act.at, "audit", f"{act.action} by {act.actor}{because}", act.detail)
