"""Say why a session is in its state, and what a person can do about it. Pure."""

from datetime import datetime
from shlex import quote
from urllib.parse import quote as url_quote

from service.payments.payments.states import PaymentStatus
from service.payments.refunds.operations.rules import left_of
from service.providers.actors import actor
from service.providers.money import to_major
from service.reviews.operations.choices import GIVEN_BACK
from service.sessions.documents import Review, Session
from service.sessions.operations.changing.complete_by_hand import is_by_hand
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.states import Mismatch, Status, status_at
from service.timeline.operations.became import last_failure, what_became
from service.timeline.operations.ledger import NOTHING, Ledger

_ONLY_REJECTED = {Mismatch.AFTER_REJECTION.value, Mismatch.ANOTHERS.value, UNRESOLVED}


def why(session: Session, now: datetime, ledger: Ledger = NOTHING) -> str:
    """Return in words why a session is in its state, and what became of its money."""
    standing = status_at(session.status, session.expires_at, now)
    price = f"{to_major(session.amount, session.provider, session.currency)} {session.currency}"
    last = session.history[-1] if session.history else None
    by = f" by {actor(last.by)}" if last else ""
    sentence = {
        Status.PENDING: f"It waits for a payment of {price} until {session.expires_at:%F %T} UTC.",
        Status.PROCESSING: f"A payment of {price} is under way; the money has not come yet.",
        Status.COMPLETED: f"It was completed{by} {_with(session)}.",
        Status.FAILED: f"Its checkout ended without a payment, reported{by}.",
        Status.EXPIRED: f"Nobody paid {price} before {_ended(session):%F %T} UTC.",
        Status.CANCELED: f"It was canceled{by}.",
    }[standing]
    if session.late:
        sentence += " The payment came after the session's end."
    if last is not None and last.reason:
        sentence += f" Reason: {last.reason.rstrip('.')}."
    return sentence + last_failure(ledger) + what_became(ledger) + _reviewed(session, ledger)


def _reviewed(session: Session, ledger: Ledger) -> str:
    review = session.review
    if review is None:
        return ""
    if review.reason == AWAITING_CAPTURE:
        return (
            f" A payment that is held was accepted at {review.at:%F %T} UTC: the session is "
            f"completed once it is captured, event {review.event_id}."
        )
    deciding = _deciding(review, session, ledger)
    return f" A person must look: {review.reason}, event {review.event_id}. {deciding}"


def _ended(session: Session) -> datetime:
    """Return when an expired session ended: its provider may have ended it before its time."""
    ends = [move.at for move in session.history if move.to == Status.EXPIRED]
    return min([session.expires_at, *ends[-1:]])


def _deciding(review: Review, session: Session, ledger: Ledger) -> str:
    """Return how a person decides: by the route, or on the command line."""
    given, path = quote(review.event_id), url_quote(review.event_id, safe=":")
    first, *others = _decisions(review, session, ledger)
    commands = " or ".join([f"tillgate reviews {first} {given}", *others])
    routes = " or ".join([f"/api/admin/reviews/{path}/{first}", *(f"/{one}" for one in others)])
    return (
        f"Decide on the command line by {commands}, or with an admin key by POST {routes}; "
        "GET /api/admin/reviews says what each would do."
    )


def _decisions(review: Review, session: Session, ledger: Ledger) -> list[str]:
    """Return what may be decided; the list of reviews knows the payment too, and says why not."""
    back = ["reject-and-refund"] if _may_go_back(review, session, ledger) else []
    if review.reason in _ONLY_REJECTED:
        return ["reject", *back]
    if review.reason == Mismatch.SECOND.value and is_by_hand(session.provider_payment_id):
        return ["accept", "reject", *back, "same-money"]
    return ["accept", "reject", *back]


def _may_go_back(review: Review, session: Session, ledger: Ledger) -> bool:
    """Return whether money came that is not the sale's own, and of which something is left."""
    return review.reason in GIVEN_BACK and any(
        one.status is PaymentStatus.SUCCEEDED
        and one.held == 0
        and left_of(one) > 0
        and one.provider_payment_id != session.provider_payment_id
        for one in ledger.payments
    )


def _with(session: Session) -> str:
    paid = session.provider_payment_id
    return f"with payment {paid}" if paid else "without a payment: none was due"
