"""The state of a session by the facts known about it, in whatever order they became known."""

from collections.abc import Collection

from service.sessions import repository
from service.sessions.documents import CheckoutEnd, Session
from service.sessions.operations.moving.complete import revived_from
from service.sessions.operations.moving.current_checkout import current_checkout
from service.sessions.operations.moving.move import Acting, Cause, move
from service.sessions.states import ENDED, FINAL, Status, standing
from service.storage.database import Row


async def move_by_facts(
    doing: Acting, session: Session, live: Collection[str], changes: Row, *, known: bool = False
) -> Session:
    """Store which payments are `live` and other changes, and move the session accordingly.

    Facts that are not new move nothing: a person may have moved the session since they were
    reported. With `known` it is moved all the same.
    """
    if session.status in FINAL:
        return await put(doing, session, changes)
    changes = {**changes, "liveAttempts": sorted(live)}
    ended = _ended(session, changes)
    otherwise = _otherwise(session, doing.cause)
    to = standing(live=bool(live), ended=ended, otherwise=otherwise)
    known = known or changes["liveAttempts"] != session.live_attempts
    if to is session.status or not (known or ended != ended_word(session)):
        return await put(doing, session, changes)
    if session.status in ENDED and await _another_is_open(doing, session, to):
        return await put(doing, session, changes)
    by_clock = to is Status.EXPIRED and ended is None
    cause = Cause("clock", doing.cause.at) if by_clock else doing.cause
    return await move(doing.tx, session, to, cause, doing.lifetimes, changes)


def ended_word(session: Session) -> CheckoutEnd | None:
    """Return the most final end that was reported for the session's current checkout.

    If we opened none, it is that of the checkout that the caller opened itself. The caller may not
    have named it, so of several the most final end counts, whichever was reported first.
    """
    if not session.checkouts:
        return session.checkout_ended if session.opening is None else None
    current = current_checkout(session)
    if current is None:
        return None
    return current.ended if current.n else session.checkout_ended


def _ended(session: Session, changes: Row) -> CheckoutEnd | None:
    fields = {"checkouts": "checkouts", "checkoutEnded": "checkout_ended"}
    if not changes.keys() & fields.keys():
        return ended_word(session)
    return ended_word(Session.model_validate(session.to_row() | changes))


def _otherwise(session: Session, cause: Cause) -> Status:
    """Return the session's state by the clock or by hand, not by what a provider reported."""
    if session.status in ENDED:
        return session.status
    if session.status is Status.PENDING:
        return Status.PENDING  # past its time it reads as expired, and the cleanup writes that
    over = Status.EXPIRED if session.expires_at <= cause.at else Status.PENDING
    return revived_from(session) or over


async def _another_is_open(doing: Acting, session: Session, to: Status) -> bool:
    """Return whether another session of the user has taken this one's place: then it stays ended.

    It is looked up instead of tried, since a refused write aborts the transaction. If another call
    is faster, the event's transaction runs again, and this finds it.
    """
    if session.kind != "checkout" or to is not Status.PROCESSING:
        return False
    return await repository.has_open_rival(session, doing.tx)


async def put(doing: Acting, session: Session, changes: Row) -> Session:
    """Set the fields that differ from what is stored."""
    changes = session.differing(changes)
    if not changes:
        return session
    update = {"$set": {**changes, "updatedAt": doing.cause.at}}
    return await repository.change(session, update, doing.tx)
