"""Say why a session is in its state, and what a person can do about it. Pure."""

from datetime import datetime
from shlex import quote
from urllib.parse import quote as url_quote

from service.providers.money import to_major
from service.sessions.documents import Review, Session
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE
from service.sessions.states import Status, status_at


def why(session: Session, now: datetime) -> str:
    """Return in a sentence why a session is in its state."""
    standing = status_at(session.status, session.expires_at, now)
    price = f"{to_major(session.amount, session.provider, session.currency)} {session.currency}"
    last = session.history[-1] if session.history else None
    by = f" by {last.by}" if last else ""
    sentence = {
        Status.PENDING: f"It waits for a payment of {price} until {session.expires_at:%F %T} UTC.",
        Status.PROCESSING: f"A payment of {price} is under way; the money has not come yet.",
        Status.COMPLETED: f"It was completed{by} {_with(session)}.",
        Status.FAILED: f"Its checkout ended without a payment, told{by}.",
        Status.EXPIRED: f"Nobody paid {price} before {session.expires_at:%F %T} UTC.",
        Status.CANCELED: f"It was canceled{by}.",
    }[standing]
    if session.late:
        sentence += " The payment came after the session's end."
    if last is not None and last.reason:
        sentence += f" Reason: {last.reason}."
    return sentence + _reviewed(session)


def _reviewed(session: Session) -> str:
    review = session.review
    if review is None:
        return ""
    if review.reason == AWAITING_CAPTURE:
        return (
            f" A payment that is held was accepted at {review.at:%F %T} UTC: the session is "
            f"completed once it is captured, event {review.event_id}."
        )
    return f" A person must look: {review.reason}, event {review.event_id}. {_deciding(review)}"


def _deciding(review: Review) -> str:
    """Return how a person decides: by the route, or on the command line."""
    given, path = quote(review.event_id), url_quote(review.event_id, safe=":")
    return (
        f"Decide by `tillgate reviews accept {given}`, `reject` or `same-money`, or with an admin "
        f"key by POST /api/admin/reviews/{path}/accept, /reject or /same-money; "
        "GET /api/admin/reviews tells what each would do."
    )


def _with(session: Session) -> str:
    paid = session.provider_payment_id
    return f"with payment {paid}" if paid else "without a payment: none was due"
