"""What a session costs when it is retried: a browser can't keep an old price by retrying."""

from datetime import datetime

from msgspec import structs

from service.catalog.errors import QuoteExpired
from service.core.views import view_of
from service.payments.payments import repository as payments
from service.payments.payments.states import LIVE, PaymentStatus
from service.sessions.documents import Session
from service.sessions.errors import NotPayable
from service.sessions.operations.caller import NO_SERVERS, Caller
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.opening.pricing import Price, price_session
from service.sessions.operations.reviewing.claims import is_claim_of
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at
from service.storage.answering import answers_in_time

_RETRIED = frozenset({Status.FAILED, Status.EXPIRED})
_MONEY = LIVE | {PaymentStatus.SUCCEEDED}


async def requote(
    session: Session, named: NewSession | None, caller: Caller, rules: Rules, now: datetime
) -> Price | None:
    """Return the new price of a session that is about to be retried, None if the old one stands.

    `named` is the request, if it contains more than the session's id: an amount in it must be
    today's, and its quote holds as long as quotes do. A server's retry keeps the price, and so
    does that of a session whose amount a server named. Raises `InvalidInput` or a subclass if the
    catalog no longer sells this, and `NotPayable` while a payment at the old price is undecided.
    """
    retried = status_at(session.status, session.expires_at, now) in _RETRIED
    if not retried or caller.trusted or not _priced_by_catalog(session):
        return None
    price = await _price(session, named, caller, rules, now)
    if (price.amount, price.trial_days) == (session.amount, session.trial_days):
        return None
    await _check_unpaid(session)
    return price


async def _price(
    session: Session, named: NewSession | None, caller: Caller, rules: Rules, now: datetime
) -> Price:
    """Return the price quoted to the page, else today's price.

    An expired quote may be the one that the session was opened with: it is no obstacle if today's
    price is the session's.
    """
    again = _again(session, named)
    if named is None or named.quote_id is None:
        return await price_session(again, caller, rules, now)
    quoted = structs.replace(again, quote_id=named.quote_id)
    try:
        return await price_session(quoted, caller, rules, now)
    except QuoteExpired:
        price = await price_session(again, caller, rules, now)
        if price.amount != session.amount:
            raise
        return price


def _priced_by_catalog(session: Session) -> bool:
    if session.priced_by is not None:
        return session.priced_by == "catalog"
    # Opened before this was stored: only a server could name an amount then.
    return bool(session.history) and session.history[0].by.startswith(NO_SERVERS)


def _again(session: Session, named: NewSession | None) -> NewSession:
    """Return the request that would open this session today."""
    return view_of(
        NewSession,
        session,
        request_hash=session.create_hash,
        amount=named.amount if named else None,
        price=named.price if named else None,
    )


async def _check_unpaid(session: Session) -> None:
    """Refuse another price while money at the old one is pending. Raises `NotPayable`."""
    decided = {one.payment_id for one in session.decisions}
    async with answers_in_time():
        found = await payments.of_session(session.merchant_id, session.session_id)
    own = [one for one in found if is_claim_of(one.claim, session)]
    waiting = [one for one in own if one.status in _MONEY]
    if session.review or any(one.provider_payment_id not in decided for one in waiting):
        raise NotPayable(
            "The outcome of a payment of this session is open, and its price has changed."
        )
