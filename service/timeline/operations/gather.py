"""Gather what touched a session, in the order in which it happened."""

from datetime import datetime

from msgspec import Struct

from service.audit import repository as audit
from service.inbox import repository as webhooks
from service.outbox import repository as outbox
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session
from service.storage.answering import answers_in_time
from service.timeline.operations.boxes import lines_of_events, lines_of_messages
from service.timeline.operations.came_back import lines_of_disputes, lines_of_refunds
from service.timeline.operations.entry import CAUSES_FIRST, Entry
from service.timeline.operations.ledger import read_ledger
from service.timeline.operations.moved import lines_of_acts, lines_of_checkouts, lines_of_moves
from service.timeline.operations.paid import lines_of_payments
from service.timeline.operations.subscribed import lines_of_subscriptions, read_subscriptions
from service.timeline.operations.why import why


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
        *lines_of_moves(session),
        *lines_of_checkouts(session),
        *lines_of_events(events),
        *lines_of_payments(ledger, events),
        *lines_of_refunds(ledger.refunds),
        *lines_of_disputes(ledger.disputes),
        *lines_of_subscriptions(begun),
        *lines_of_messages(messages, deliveries),
        *lines_of_acts(acts),
    ]
    entries.sort(key=lambda entry: (entry.at, CAUSES_FIRST.index(entry.what)))
    return Timeline(session, entries, why(session, now, ledger))
