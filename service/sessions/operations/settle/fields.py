"""What an event writes into a session besides its status."""

from service.providers.facts import Payment
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.operations.attempt_id import with_checkout_ids
from service.sessions.operations.settle.event import Settling
from service.sessions.states import Status, is_late
from service.storage.database import Row


def completion(doing: Settling, session: Session) -> Row:
    """Give the fields of a completion."""
    late = is_late(session.status, session.expires_at, doing.why.at)
    return {"completedAt": doing.why.at, "late": late}


def news(session: Session, checkout_ref: str | None, customer_id: str | None) -> Row:
    """Give the ids that an event tells and the session does not know yet.

    Of several checkouts that were opened without us the smallest id is kept, so that any order
    keeps the same one, until a payment completes the session and names its own.
    """
    learned: Row = {}
    known = session.provider_session_id
    unsettled = not session.checkouts and session.status is not Status.COMPLETED
    if checkout_ref and (known is None or (unsettled and checkout_ref < known)):
        learned["providerSessionId"] = checkout_ref
    if customer_id and session.provider_customer_id is None:
        learned["providerCustomerId"] = customer_id
    return learned


def paid_by(doing: Settling, session: Session, payment: Payment) -> Row:
    """Return the ids of the payment that completes; they outweigh those of attempts before it.

    A checkout that we opened ourselves stays named: a provider may tell another id of it. One that
    we did not open is the session's from now on.
    """
    ours = bool(session.checkouts) and session.provider_session_id is not None
    ids = {
        "providerSessionId": None if ours else payment.checkout_ref,
        "providerCustomerId": payment.customer_id,
    }
    kept = {"checkoutIds": with_checkout_ids(session, doing.refs)} if doing.refs else {}
    return kept | {name: value for name, value in ids.items() if value}


async def fill(doing: Settling, session: Session, payment: Payment) -> Session:
    """Learn the ids that a payment tells."""
    learned = news(session, payment.checkout_ref, payment.customer_id)
    return await put(doing, session, learned)


async def put(doing: Settling, session: Session, changes: Row) -> Session:
    """Set what differs from what is stored."""
    if not changes:
        return session
    before = session.to_row()
    changes = {name: value for name, value in changes.items() if before[name] != value}
    if not changes:
        return session
    update = {"$set": {**changes, "updatedAt": doing.why.at}}
    return await repository.change(session, update, doing.tx)
