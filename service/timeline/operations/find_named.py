"""Find what somebody names by any id: a session, its payments, and what hangs on them."""

from collections.abc import Sequence

from msgspec import Struct

from service.payments.history.errors import PaymentNotFound
from service.payments.history.operations.gather import Whole, find_whole
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.sessions.documents import Session
from service.sessions.errors import SessionNotFound
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session, find_session_by_any_id
from service.storage.answering import answers_in_time


class Named(Struct, frozen=True):
    """What an id leads to: payments, latest first, and their session while it is kept."""

    payments: Sequence[Whole]
    session: Session | None


async def find_named(any_id: str, caller: Caller) -> Named:
    """Find payments and a session by any id, ours or a provider's.

    That of a payment, charge, invoice, order, refund, dispute, session or checkout, or the bank's
    reference. Raises `PaymentNotFound`.
    """
    session = await _session_named(any_id, caller)
    ids = [] if session is None else [session.session_id]
    found = await find_whole(caller.principal.merchant_id, any_id, ids)
    for whole in found:
        session = session or await session_of(whole.told.payment, caller)
    if session is None and not found:
        raise PaymentNotFound(any_id)
    return Named(found, session)


async def session_named(any_id: str, caller: Caller) -> Session:
    """Return the session that any id leads to. Raises `SessionNotFound`."""
    try:
        named = await find_named(any_id, caller)
    except PaymentNotFound:
        raise SessionNotFound(any_id) from None
    if named.session is None:
        raise SessionNotFound(any_id)
    return named.session


async def session_of(payment: Payment, caller: Caller) -> Session | None:
    """Return the session that claimed a payment, not one that was opened anew under its id."""
    claim = payment.claim
    if claim is None:
        return None
    try:
        session = await find_session(claim.session_id, caller)
    except SessionNotFound:
        return None
    own = claim.is_of(session.merchant_id, session.session_id, session.created_at)
    return session if own else None


async def _session_named(any_id: str, caller: Caller) -> Session | None:
    try:
        return await find_session_by_any_id(any_id, caller)
    except SessionNotFound:
        return None


async def session_paid_by(merchant_id: str, any_id: str) -> str | None:
    """Return the session of a payment, named by any id that the ledger knows of it.

    A provider's own (payment, charge, invoice, order), or the bank's. Of several the latest.
    """
    async with answers_in_time():
        found = await payments.find_by_any_id(merchant_id, any_id)
    named = [one.session_id for one in found if one.session_id is not None]
    return named[0] if named else None
