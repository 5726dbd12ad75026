"""Move a failed or expired session back to pending, at today's price."""

from service.sessions.documents import Session
from service.sessions.operations.moving.move import Cause, move
from service.sessions.operations.opening.pricing import Price
from service.sessions.operations.rules import Rules
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.transaction import Transaction


async def retry_session(
    tx: Transaction,
    session: Session,
    price: Price | None,
    changes: Row,
    rules: Rules,
    by: Cause,
) -> Session:
    """Move a session back to pending, with `changes`, and at `price` if that differs.

    `by` says who retries it, and when. In one update, so that it is never open at the old price.
    Raises `Busy`, and `Duplicate` if the user has another open session.
    """
    if session.status is Status.PENDING:  # it is overdue, and not written as expired yet
        session = await move(tx, session, Status.EXPIRED, Cause("clock", by.at), rules.lifetimes)
    reason = "retried"
    if price is not None:
        reason = f"retried at {price.amount} {price.currency}, it was {session.amount}"
        changes = changes | price.row
    cause = Cause(by.by, by.at, reason=reason)
    return await move(tx, session, Status.PENDING, cause, rules.lifetimes, changes)
