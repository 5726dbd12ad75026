"""What does not fit its session, and waits for a person."""

from service.providers.base import VerifiedEvent
from service.sessions import repository
from service.sessions.documents import Decided, Review, Session
from service.sessions.operations.settle.event import Mismatch, Settled, Settling
from service.sessions.states import Status

# A payment that a person has accepted while it was held: its capture is under way.
AWAITING_CAPTURE = "awaiting_capture"


async def to_review(doing: Settling, session: Session, wrong: Mismatch) -> Settled:
    """Put a session on the list of those that a person must look at; nothing else changes.

    Of several events the one with the smallest id is named, so that any order names the same. What
    a person has decided about the payment is final for the session: no review is opened again.

    The session is written in any case. A decision reads which reviews are open and names the next
    one: both at once must conflict, or a review would be left that no session names.
    """
    if wrong is not Mismatch.AFTER_REJECTION and decision_on(session, doing.about) is not None:
        return Settled(session)
    named = session.review
    inbox_id = doing.event.inbox_id
    if named is None or named.reason == AWAITING_CAPTURE or inbox_id < named.event_id:
        named = Review(reason=wrong.value, event_id=inbox_id, at=doing.why.at)
    fields = {"review": named.model_dump(by_alias=True), "updatedAt": doing.why.at}
    return Settled(await repository.change(session, {"$set": fields}, doing.tx), wrong)


def decision_on(session: Session, about: str) -> Decided | None:
    """Return what a person has decided about a payment of the session, the last word if several."""
    if not session.decisions:
        return None
    return next((one for one in reversed(session.decisions) if one.payment_id == about), None)


def is_wanted(session: Session, about: str, amount: int, currency: str) -> bool:
    """Tell whether money is what the session was opened for: by its amount, or by a decision."""
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


def mismatch(doing: Settling, session: Session, amount: int, currency: str) -> Mismatch | None:
    """Tell in which way an event's money is not the money that the session was opened for."""
    wrong = foreign(session, doing.event) or doing.stranger
    if wrong is not None:
        return wrong
    if currency != session.currency:
        return Mismatch.CURRENCY
    return Mismatch.AMOUNT if amount != session.amount else None


def foreign(session: Session, event: VerifiedEvent) -> Mismatch | None:
    """Tell whether an event is of another account or mode."""
    if event.account != session.account:
        return Mismatch.ACCOUNT
    differs = event.live is not None and session.live is not None and event.live != session.live
    return Mismatch.MODE if differs else None
