"""Link a checkout that a server opened at the provider itself to the open session."""

from datetime import datetime

from service.payments.payments import repository as payments
from service.sessions import repository
from service.sessions.documents import Checkout, Session
from service.sessions.errors import CheckoutTaken, OpenSessionDiffers
from service.sessions.operations.opening.attempt_id import with_checkout_ids
from service.storage.answering import Duplicate, answers_in_time
from service.storage.database import Row


async def adopt_checkout(session: Session, ref: str | None, now: datetime) -> Session:
    """Return the open session with the checkout that a server names for it.

    Raises `OpenSessionDiffers` if the session has another one: two would be open, and the customer
    might pay both; likewise if a payment is under way in another one, which would no longer belong
    to the session. Raises `CheckoutTaken` if another session has this one.
    """
    if ref is None or ref in session.checkout_ids:
        return session
    if session.checkouts or session.opening is not None:
        standing = session.checkouts[-1].ref if session.checkouts else "being opened"
        raise OpenSessionDiffers(
            f"Session {session.session_id} is open with another checkout ({standing}); send the "
            "customer there, or cancel the session first."
        )
    await _check_not_paid_elsewhere(session, ref)
    named = Checkout(ref=ref, n=0, opened_at=now)
    fields: Row = {
        "providerSessionId": ref,
        "checkoutIds": with_checkout_ids(session, [ref]),
        "updatedAt": now,
    }
    push = {"$push": {"checkouts": named.model_dump(by_alias=True)}}
    try:
        async with answers_in_time():
            return await repository.change(session, {"$set": fields, **push})
    except Duplicate as error:
        raise CheckoutTaken(ref) from error


async def _check_not_paid_elsewhere(session: Session, ref: str) -> None:
    if not session.live_attempts:
        return
    async with answers_in_time():
        found = await payments.find_many(session.provider, session.account, session.live_attempts)
    others = sorted({one.provider_session_id for one in found if one.provider_session_id} - {ref})
    if others:
        raise OpenSessionDiffers(
            f"Session {session.session_id} is being paid in another checkout ({others[0]}); name "
            "that one, or wait until its payment has ended."
        )
