"""What the end of a checkout does to its session."""

from service.sessions.documents import Session
from service.sessions.operations.checkouts.standing import current_checkout
from service.sessions.operations.move import move
from service.sessions.operations.settle.event import Settled, Settling
from service.sessions.operations.settle.fields import news, put
from service.sessions.operations.settle.reviews import foreign
from service.sessions.states import OPEN, Status
from service.storage.database import Row


async def checkout_ended(doing: Settling, session: Session, ref: str, to: Status) -> Settled:
    """Fail or expire the session whose current checkout ended; an older one's end says nothing."""
    current = _current(session) if session.checkouts else session.ended_ref or ref
    if foreign(session, doing.event):
        return Settled(session)
    changes = news(session, ref, None)
    if ref != current or session.status not in OPEN:
        return Settled(await put(doing, session, changes))
    waits = session.status is Status.PROCESSING and bool(session.live_attempts)
    if to is Status.EXPIRED and waits:
        return Settled(await put(doing, session, changes | {"endedRef": ref}))
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


async def nothing_underway(doing: Settling, session: Session) -> Settled:
    """End a processing session's wait: a re-read found no payment under way."""
    if session.status is not Status.PROCESSING:
        return Settled(session)
    changes: Row = {"liveAttempts": []}
    to = idle(session)
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


def idle(session: Session) -> Status:
    """Give what follows when no payment is under way any more: the checkout may have run out."""
    over = session.ended_ref is not None and session.ended_ref == _current(session)
    return Status.EXPIRED if over else Status.PENDING


def _current(session: Session) -> str | None:
    if not session.checkouts:
        return session.ended_ref
    current = current_checkout(session)
    return current.ref if current is not None else None
