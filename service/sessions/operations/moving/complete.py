"""Complete a session: the one place where its `completedAt`, `late` and payment id are written."""

from datetime import datetime

from service.sessions.documents import Session
from service.sessions.operations.moving.move import Acting, move
from service.sessions.states import ENDED, Status, is_late
from service.storage.database import Row


async def complete(
    doing: Acting, session: Session, payment_id: str | None, changes: Row
) -> Session:
    """Complete a session by a payment, and return it; None where there was nothing to pay.

    `changes` are what else is written in the same update. Raises `IllegalMove` for one that is
    completed, and `Busy` where somebody else was quicker.
    """
    at = doing.cause.at
    done: Row = {**changes, "completedAt": at, "late": _comes_late(session, at)}
    if payment_id is not None:
        done |= completed_with(payment_id)
    return await move(doing.tx, session, Status.COMPLETED, doing.cause, doing.lifetimes, done)


def completed_with(payment_id: str) -> Row:
    """Return what names the payment that completed a session, or that takes its place."""
    return {"providerPaymentId": payment_id}


def revived_from(session: Session) -> Status | None:
    """Return the end from which a payment under way has called the session back, if one has."""
    last = session.history[-1] if session.history else None
    if last is None or session.status is not Status.PROCESSING:
        return None
    if last.from_status in ENDED:
        return last.from_status
    return Status.EXPIRED if last.at >= session.expires_at else None


def _comes_late(session: Session, at: datetime) -> bool:
    """Return whether a completion comes after the session's end, also where it was called back."""
    return is_late(session.status, session.expires_at, at) or revived_from(session) is not None
