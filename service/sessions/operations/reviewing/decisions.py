"""What a person has decided about a session's payments. Pure."""

from service.sessions.documents import Decided, Session
from service.sessions.states import Status

# A payment that a person accepted while it was held: its capture is under way.
AWAITING_CAPTURE = "awaiting_capture"


def decision_on(session: Session, about: str) -> Decided | None:
    """Return a person's decision about a payment of the session, the last one of several."""
    if not session.decisions:
        return None
    return next((one for one in reversed(session.decisions) if one.payment_id == about), None)


def is_wanted(session: Session, about: str, amount: int, currency: str) -> bool:
    """Return whether the session takes this money: by its amount, or by a person's decision."""
    decided = decision_on(session, about)
    if decided is not None:
        return decided.verdict == "accepted"
    return (amount, currency) == (session.amount, session.currency)


def awaited(session: Session) -> list[Decided]:
    """Return the payments that were accepted while held, and whose money has not arrived.

    Accepting money that has arrived completes the session at once.
    """
    if not session.decisions or session.status is Status.COMPLETED:
        return []
    return [one for one in session.decisions if one.verdict == "accepted"]
