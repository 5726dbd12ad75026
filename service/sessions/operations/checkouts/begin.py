"""Begin a checkout: the session is opened or found, then its checkout at the provider."""

from service.providers.base import Provider
from service.sessions.documents import SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.checkouts.open import Desk, OpenCheckout, open_checkout
from service.sessions.operations.find_session import find_session
from service.sessions.operations.new_session import NewSession
from service.sessions.operations.open_session import open_session


async def resume_checkout(session_id: str, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open the checkout of a session that stands, or return the one that is open.

    A failed or expired session is retried: its older checkouts are closed first, so that they can't
    be paid besides the new one.
    """
    session = await find_session(session_id, caller)
    return await open_checkout(session, provider_of(session.provider, desk), desk)


async def begin_checkout(new: NewSession, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open or find the session that is asked for, then its checkout."""
    provider = provider_of(new.provider, desk)  # before anything is written
    opened = await open_session(new, caller, desk.rules, desk.clock.now())
    found = opened.session
    session = found.document() if isinstance(found, SessionRow) else found
    return await open_checkout(session, provider, desk)


def provider_of(name: str, desk: Desk) -> Provider:
    """Return a provider. Raises `InvalidInput` for one that has no credentials."""
    provider = desk.providers.get(name)
    if provider is None:
        raise wrong_field("provider", f"is {name}, which has no credentials here")
    return provider
