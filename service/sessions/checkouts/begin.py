"""Begin a checkout: the session is opened or found, then its checkout at the provider."""

from datetime import datetime

from service.providers.base import Provider
from service.sessions.checkouts.desk import Desk
from service.sessions.checkouts.open import OpenCheckout, open_checkout
from service.sessions.checkouts.request import home_of
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations import complete_free as free
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session
from service.sessions.operations.move import Why
from service.sessions.operations.new_session import NewSession
from service.sessions.operations.open_session import open_session
from service.sessions.operations.pricing import Price
from service.sessions.operations.requote import requote


async def resume_checkout(session_id: str, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open the checkout of a session that stands, or return the one that is open.

    A failed or expired session is retried: its older checkouts are closed first, so that they can't
    be paid besides the new one, and from a browser it is at the price of today.
    """
    session = await find_session(session_id, caller)
    return await _open(session, None, caller, desk)


async def begin_checkout(new: NewSession, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open or find the session that is asked for, then its checkout."""
    provider_of(new.provider, desk)  # before anything is written
    opened = await open_session(new, caller, desk.rules, desk.clock.now())
    found = opened.session
    session = found.document() if isinstance(found, SessionRow) else found
    return await _open(session, new, caller, desk)


async def _open(
    session: Session, named: NewSession | None, caller: Caller, desk: Desk
) -> OpenCheckout:
    """Open the checkout at today's price; where nothing is due, complete without one."""
    now = desk.clock.now()
    price = await requote(session, named, caller, desk.rules, now)
    if price.amount == 0 if price is not None else free.is_free(session):
        return await _complete_free(session, price, caller, desk, now)
    provider = provider_of(session.provider, desk)
    return await open_checkout(session, provider, desk, Why(caller.principal.label, now), price)


async def _complete_free(
    session: Session, price: Price | None, caller: Caller, desk: Desk, now: datetime
) -> OpenCheckout:
    """The address is where the provider would have sent the customer back to."""
    completed = await free.complete_free(session, price, caller, desk.rules, now)
    url = session.success_url or home_of(session, desk.rules)
    new = completed.version != session.version
    return OpenCheckout(completed, url, None, created=new)


def provider_of(name: str, desk: Desk) -> Provider:
    """Return a provider. Raises `InvalidInput` for one that has no credentials."""
    provider = desk.providers.get(name)
    if provider is None:
        raise wrong_field("provider", f"is {name}, which has no credentials here")
    return provider
