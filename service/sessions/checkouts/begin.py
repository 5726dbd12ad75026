"""Begin a checkout: the session is opened or found, then its checkout at the provider."""

from datetime import datetime

from msgspec.structs import replace

from service.providers.base import DrawsCheckouts, Provider
from service.sessions.checkouts.open import OpenCheckout, open_checkout
from service.sessions.checkouts.request import home_of
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_session
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.opening import complete_free as free
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.opening.open_session import open_session
from service.sessions.operations.opening.pricing import Price
from service.sessions.operations.opening.requote import requote


async def resume_checkout(
    session_id: str, caller: Caller, services: CheckoutServices
) -> OpenCheckout:
    """Open the checkout of an existing session, or return the one that is open.

    A failed or expired session is retried: its older checkouts are closed first, so that they can't
    be paid as well as the new one. A retry from a browser is charged today's price.
    """
    session = await find_session(session_id, caller)
    return await _open(session, None, caller, services)


async def begin_checkout(
    new: NewSession, caller: Caller, services: CheckoutServices
) -> OpenCheckout:
    """Open or find the requested session, then its checkout."""
    provider_of(new.provider, services)  # before anything is written
    rules = await services.rules_of(caller.principal.merchant_id)
    opened = await open_session(new, caller, rules, services.clock.now())
    found = opened.session
    session = found.document() if isinstance(found, SessionRow) else found
    return await _open(session, new, caller, services)


async def _open(
    session: Session, named: NewSession | None, caller: Caller, services: CheckoutServices
) -> OpenCheckout:
    """Open the checkout at today's price; where nothing is due, complete without one."""
    now = services.clock.now()
    price = await requote(session, named, caller, services.rules, now)
    if price.amount == 0 if price is not None else free.is_free(session):
        return await _complete_free(session, price, caller, services, now)
    provider = provider_of(session.provider, services)
    opened = await open_checkout(
        session, provider, services, Cause(caller.principal.label, now), price
    )
    if opened.url is None and isinstance(provider, DrawsCheckouts):
        return replace(opened, script=provider.checkout_script())
    return opened


async def _complete_free(
    session: Session, price: Price | None, caller: Caller, services: CheckoutServices, now: datetime
) -> OpenCheckout:
    """Complete it; its address is where the provider would have sent the customer."""
    completed = await free.complete_free(session, price, caller, services.rules, now)
    url = session.success_url or home_of(session, services.rules)
    new = completed.version != session.version
    return OpenCheckout(completed, url, None, created=new)


def provider_of(name: str, services: CheckoutServices) -> Provider:
    """Return a provider. Raises `InvalidInput` for one that has no credentials."""
    provider = services.providers.get(name)
    if provider is None:
        raise wrong_field("provider", f"is {name}, which has no credentials here")
    return provider
