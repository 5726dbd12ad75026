"""Complete a session: the only place that writes its `completedAt`, `late` and payment id."""

from datetime import datetime

from service.sessions.documents import Session
from service.sessions.operations.moving.move import Acting, move
from service.sessions.states import ENDED, Status, is_late
from service.storage.database import Row


async def complete(
    doing: Acting, session: Session, payment_id: str | None, changes: Row
) -> Session:
    """Complete a session with a payment, or None if there was nothing to pay, and return it.

    `changes` is written in the same update. Raises `IllegalMove` for a completed session, and
    `Busy` if another call was faster.
    """
    at = doing.cause.at
    done: Row = {**changes, "completedAt": at, "late": _comes_late(session, at)}
    if payment_id is not None:
        done |= completed_with(payment_id)
    return await move(doing.tx, session, Status.COMPLETED, doing.cause, doing.lifetimes, done)


def completed_with(payment_id: str) -> Row:
    """Return the fields that name the payment that completed a session, or replaces it."""
    return {"providerPaymentId": payment_id}


def revived_from(session: Session) -> Status | None:
    """Return the ended state from which a payment under way revived the session, if one did."""
    last = session.history[-1] if session.history else None
    if last is None or session.status is not Status.PROCESSING:
        return None
    if last.from_status in ENDED:
        return last.from_status
    return Status.EXPIRED if last.at >= session.expires_at else None


def _comes_late(session: Session, at: datetime) -> bool:
    """Return whether a completion comes after the session's end, even if it was revived since."""
    return is_late(session.status, session.expires_at, at) or revived_from(session) is not None
