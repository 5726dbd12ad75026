"""Have a session wait no more for payments that are not under way."""

from collections.abc import Collection

from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.operations.move import Why, move
from service.sessions.operations.settle.checkouts import idle
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.transactions import Transaction
from service.webhooks.operations.inbox import Inbox


async def stop_waiting(
    tx: Transaction, session: Session, waits: Collection[str], why: Why, inbox: Inbox
) -> Session:
    """Leave only some of a session's payments as those that it waits for, and move it by that.

    The capture of one that is not under way any more is not waited for either.
    """
    live = [one for one in session.live_attempts if one in waits]
    changes: Row = {"liveAttempts": live}
    if session.capturing is not None and session.capturing.payment_id not in waits:
        changes |= {"capturing": None}
    if session.status is Status.PROCESSING and not live:
        return await move(tx, session, idle(session), why, inbox.lifetimes, changes)
    if live == session.live_attempts and len(changes) == 1:
        return session
    return await sessions.change(session, {"$set": {**changes, "updatedAt": why.at}}, tx)
