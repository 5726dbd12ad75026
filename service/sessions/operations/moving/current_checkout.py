"""Which of a session's checkouts is current, and which can be handed out. Pure.

A checkout that we gave up (`closed_at`) is neither: before another one is opened, and before a
session is canceled, all older ones are given up in the same update.
"""

from datetime import datetime

from service.sessions.documents import Checkout, Session
from service.sessions.states import Status, status_at


def current_checkout(session: Session) -> Checkout | None:
    """Return the checkout whose end is the session's end, None where there is none.

    The last one by number, including `n=0` (opened by the caller itself), unless we gave it up:
    then we caused its end. While a later one is being opened there is none.
    """
    last = max(session.checkouts, key=lambda checkout: checkout.n, default=None)
    if last is None or last.closed_at is not None:
        return None
    opening = session.opening
    return None if opening is not None and opening.n > last.n else last


def standing_checkout(session: Session, now: datetime) -> Checkout | None:
    """Return the session's checkout that can be paid now, None if there is none."""
    if status_at(session.status, session.expires_at, now) is not Status.PENDING:
        return None
    current = current_checkout(session)
    if current is None or current.n == 0 or current.ended is not None:
        return None
    over = current.expires_at is not None and current.expires_at <= now
    return None if over else current
