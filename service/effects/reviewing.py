"""What does not fit its session, and waits for a person."""

from service.effects.applying import Applied, Applying
from service.providers.base import VerifiedEvent
from service.sessions import repository
from service.sessions.documents import Review, Session
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE, decision_on
from service.sessions.operations.reviewing.telling import tell_opened
from service.sessions.states import Mismatch


async def to_review(doing: Applying, session: Session, wrong: Mismatch) -> Applied:
    """Put a session on the list of those that a person must look at; nothing else changes.

    Of several events the one with the smallest id is named, so that any order names the same. What
    a person has decided about the payment is final for the session: no review is opened again.

    The session is written in any case. A decision reads which reviews are open and names the next
    one: both at once must conflict, or a review would be left that no session names.
    """
    if wrong is not Mismatch.AFTER_REJECTION and decision_on(session, doing.about) is not None:
        return Applied(session)
    named = session.review
    inbox_id = doing.event.inbox_id
    if named is None or named.reason == AWAITING_CAPTURE or inbox_id < named.event_id:
        named = Review(reason=wrong.value, event_id=inbox_id, at=doing.cause.at)
    fields = {"review": named.model_dump(by_alias=True), "updatedAt": doing.cause.at}
    after = await repository.change(session, {"$set": fields}, doing.tx)
    at = doing.cause.at
    await tell_opened(doing.tx, after, inbox_id, doing.about, wrong.value, at)
    return Applied(after, wrong)


def mismatch(doing: Applying, session: Session, amount: int, currency: str) -> Mismatch | None:
    """Return in which way an event's money is not the money that the session was opened for."""
    wrong = foreign(session, doing.event) or doing.stranger
    if wrong is not None:
        return wrong
    if currency != session.currency:
        return Mismatch.CURRENCY
    return Mismatch.AMOUNT if amount != session.amount else None


def foreign(session: Session, event: VerifiedEvent) -> Mismatch | None:
    """Return whether an event is of another account or mode."""
    if event.account != session.account:
        return Mismatch.ACCOUNT
    differs = event.live is not None and session.live is not None and event.live != session.live
    return Mismatch.MODE if differs else None
