"""What a person has decided about a session's payments. Pure."""

from service.sessions.documents import Decided, Session
from service.sessions.states import Status

# A payment that a person has accepted while it was held: its capture is under way.
AWAITING_CAPTURE = "awaiting_capture"


def decision_on(session: Session, about: str) -> Decided | None:
    """Return what a person has decided about a payment of the session, the last word if several."""
    if not session.decisions:
        return None
    return next((one for one in reversed(session.decisions) if one.payment_id == about), None)


def is_wanted(session: Session, about: str, amount: int, currency: str) -> bool:
    """Return whether money is what the session was opened for: by its amount, or by a decision."""
    decided = decision_on(session, about)
    if decided is not None:
        return decided.verdict == "accepted"
    return (amount, currency) == (session.amount, session.currency)


def awaited(session: Session) -> list[Decided]:
    """Return the payments that were accepted while they were held, and whose money has not come.

    Accepting money that has come completes the session at once.
    """
    if not session.decisions or session.status is Status.COMPLETED:
        return []
    return [one for one in session.decisions if one.verdict == "accepted"]
