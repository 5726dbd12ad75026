"""Expire sessions whose time is over: a transition with an outbox event, never a deletion."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TypeAlias

from service.core.errors import Busy
from service.leases.operations import under
from service.leases.repository import Held
from service.outbox import repository as outbox_repository
from service.sessions import repository
from service.sessions.documents import DueSession, Session
from service.sessions.operations.moving.giving_up import closings
from service.sessions.operations.moving.move import Cause, domain_event, history_entry, move
from service.sessions.states import Lifetimes, Status, status_at
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.keys import Keys
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

Add: TypeAlias = Callable[[list[Row], Transaction], Awaitable[None]]


async def expire_if_due(session: Session, lifetimes: Lifetimes, now: datetime) -> bool:
    """Expire one session if its time is over; return whether it is expired."""
    if status_at(session.status, session.expires_at, now) is not Status.EXPIRED:
        return False
    if session.status is Status.EXPIRED:
        return True

    async def work(tx: Transaction) -> None:
        await move(tx, session, Status.EXPIRED, Cause("clock", now), lifetimes)

    try:
        await in_transaction(work)
    except Busy:
        pass  # a payment or another reader was faster; the caller reads again
    return True


async def expire_batch(
    lifetimes: Lifetimes, now: datetime, among: Keys, lease: Held | None = None
) -> int:
    """Expire the overdue ones among some sessions, in one transaction; return how many.

    Raises `LeaseLost`, with nothing written, where the lease is no longer held.

    A message may exist already if part of the database was restored from a backup. That aborts
    the transaction, and the next one writes more slowly: one such row must not block the others.
    """

    async def expire(add: Add, tx: Transaction) -> int:
        due = await repository.find_due(now, among, tx)
        return await _expire_all(due, Cause("clock", now), lifetimes, add, tx) if due else 0

    try:
        return await under(lease, partial(expire, outbox_repository.add_new))
    except Duplicate:
        return await under(lease, partial(expire, outbox_repository.add_once))


async def _expire_all(
    due: list[DueSession], cause: Cause, lifetimes: Lifetimes, add: Add, tx: Transaction
) -> int:
    line = history_entry(Status.PENDING, Status.EXPIRED, cause)
    purge_at = lifetimes.purge_at(Status.EXPIRED, cause.at)
    expired = await repository.expire_all(due, line, purge_at, tx)
    after = [_expired(session) for session in due]
    await add([message for session in after for message in _messages(session, cause)], tx)
    return expired


def _expired(session: DueSession) -> DueSession:
    # The transaction reads a snapshot: any change since makes it fail and run again, so what
    # was read is what is expired.
    return session.model_copy(update={"status": Status.EXPIRED, "version": session.version + 1})


def _messages(session: DueSession, cause: Cause) -> list[Row]:
    return [domain_event(session, cause), *closings(session, (), cause.at)]
