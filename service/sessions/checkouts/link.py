"""Link an opened checkout to its session, or close it if the session has moved on without it."""

from datetime import datetime

from service.core.errors import Busy, TillgateError
from service.outbox import repository as outbox_repository
from service.providers.base import OpenedCheckout
from service.sessions import repository
from service.sessions.checkouts.lock import Locked
from service.sessions.documents import Checkout, Opening, Session
from service.sessions.errors import NotPayable, SessionNotFound
from service.sessions.operations.moving.current_checkout import standing_checkout
from service.sessions.operations.moving.giving_up import closing
from service.sessions.operations.opening.attempt_id import with_checkout_ids
from service.sessions.states import Status, status_at
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def link_checkout(locked: Locked, opened: OpenedCheckout, now: datetime) -> Session:
    """Link the checkout to the session, and return the session.

    Only if the opening is still ours and the session can still be paid. Otherwise the checkout is
    stored as given up, a message closes it, and the call fails with `NotPayable`, `Busy` or
    `SessionNotFound`: nobody receives its address.
    """
    ours, opening = locked.session, locked.opening
    checkout = Checkout(
        ref=opened.ref,
        n=opening.n,
        opened_at=now,
        expires_at=opened.expires_at or opening.provider_expires_at,
        url=opened.url,
        qr_code=opened.qr_code,
        attempt_id=opening.attempt_id,
    )

    async def work(tx: Transaction) -> Session | TillgateError:
        session = await repository.find_within(tx, ours.merchant_id, ours.session_id)
        if session is None:
            await outbox_repository.add_once([closing(ours, checkout.ref, now)], tx)
            return SessionNotFound(ours.session_id)
        standing = standing_checkout(session, now)
        if standing is not None and standing.ref == checkout.ref:
            return session  # another call repeated the attempt, and was faster
        wrong = _wrong(session, opening, now)
        if wrong is None:
            return await _link(tx, session, checkout, now)
        await _turn_away(tx, session, checkout, now)
        return wrong

    linked = await in_transaction(work)
    if isinstance(linked, TillgateError):
        raise linked
    return linked


def _wrong(session: Session, opening: Opening, now: datetime) -> TillgateError | None:
    """Return why a checkout can't become the session's, or None if it can."""
    status = status_at(session.status, session.expires_at, now)
    if status is not Status.PENDING:
        return NotPayable(f"The session became {status} while its checkout was being opened.")
    if session.opening is None or session.opening.n != opening.n:
        return Busy("Another call has opened a checkout for this session.", retry_after=1)
    return None


async def _link(tx: Transaction, session: Session, checkout: Checkout, now: datetime) -> Session:
    fields: Row = {
        "opening": None,
        "attempts": session.attempts + 1,
        "updatedAt": now,
        "providerSessionId": checkout.ref,
        "checkoutUrl": checkout.url,
    }
    return await repository.change(session, _kept(session, checkout, fields), tx)


async def _turn_away(tx: Transaction, session: Session, checkout: Checkout, now: datetime) -> None:
    """Store a checkout that came too late, since it may still be paid, and have it closed."""
    fields: Row = {"updatedAt": now}
    if session.opening is not None and session.opening.n == checkout.n:
        fields["opening"] = None
    if all(known.ref != checkout.ref for known in session.checkouts):
        closed = checkout.model_copy(update={"closed_at": now})
        fields["attempts"] = session.attempts + 1
        await repository.change(session, _kept(session, closed, fields), tx)
    elif "opening" in fields:
        await repository.change(session, {"$set": fields}, tx)
    await outbox_repository.add_once([closing(session, checkout.ref, now)], tx)


def _kept(session: Session, checkout: Checkout, fields: Row) -> Row:
    fields["checkoutIds"] = with_checkout_ids(session, [checkout.ref, checkout.attempt_id])
    return {"$set": fields, "$push": {"checkouts": checkout.model_dump(by_alias=True)}}
