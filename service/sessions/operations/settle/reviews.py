"""What does not fit its session, and waits for a person."""

from service.providers.base import VerifiedEvent
from service.sessions.documents import Review, Session
from service.sessions.operations.settle.event import Mismatch, Settled, Settling
from service.sessions.operations.settle.fields import put


async def to_review(doing: Settling, session: Session, wrong: Mismatch) -> Settled:
    """Put a session on the list of those that a person must look at; nothing else changes.

    Of several events the one with the smallest id is named, so that any order names the same.
    """
    inbox_id = doing.event.inbox_id
    named = session.review
    if named is None or inbox_id < named.event_id:
        review = Review(reason=wrong.value, event_id=inbox_id, at=doing.why.at)
        session = await put(doing, session, {"review": review.model_dump(by_alias=True)})
    return Settled(session, wrong)


def mismatch(session: Session, event: VerifiedEvent, amount: int, currency: str) -> Mismatch | None:
    """Tell in which way an event's money is not the money that the session was opened for."""
    wrong = foreign(session, event)
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
