"""Expire sessions whose time is over: a transition with an outbox event, never a deletion."""

from datetime import datetime

from service.core.errors import Busy
from service.outbox import repository as outbox_repository
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.operations.move import Why, closings, entry_of, move, told
from service.sessions.states import Lifetimes, Status, status_at
from service.storage.database import Row
from service.storage.transactions import Transaction, in_transaction


async def expire_if_due(session: Session, lifetimes: Lifetimes, now: datetime) -> bool:
    """Expire one session if its time is over; tell whether it is expired."""
    if status_at(session.status, session.expires_at, now) is not Status.EXPIRED:
        return False
    if session.status is Status.EXPIRED:
        return True

    async def work(tx: Transaction) -> None:
        await move(tx, session, Status.EXPIRED, Why("clock", now), lifetimes)

    try:
        await in_transaction(work)
    except Busy:
        pass  # a payment or another reader was quicker; whoever asks looks again
    return True


async def expire_batch(lifetimes: Lifetimes, now: datetime, limit: int) -> int:
    """Expire up to `limit` due sessions in one transaction; give how many."""
    why = Why("clock", now)

    async def work(tx: Transaction) -> int:
        due = await repository.find_due(now, limit, tx)
        if not due:
            return 0
        entry = entry_of(Status.PENDING, Status.EXPIRED, why)
        purge_at = lifetimes.purge_at(Status.EXPIRED, now)
        expired = await repository.expire_all(due, entry, purge_at, tx)
        after = [_expired(session) for session in due]
        messages = [message for session in after for message in _messages(session, why)]
        await outbox_repository.add_once(messages, tx)
        return expired

    return await in_transaction(work)


def _expired(session: Session) -> Session:
    # The transaction reads a snapshot: whatever changed since makes it fail and run again, so what
    # was read is what was expired.
    after: Session = session.model_copy(
        update={"status": Status.EXPIRED, "version": session.version + 1}
    )
    return after


def _messages(session: Session, why: Why) -> list[Row]:
    return [told(session, why), *closings(session, why)]
