"""Begin a checkout: the session is opened or found, then its checkout at the provider."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from service.core.clock import Clock
from service.providers.base import Provider
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.checkouts.standing import standing_checkout
from service.sessions.operations.find_session import find_session
from service.sessions.operations.new_session import NewSession
from service.sessions.operations.open_checkout import OpenCheckout, open_checkout
from service.sessions.operations.open_session import open_session
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at

CloseStanding: TypeAlias = Callable[[Session], Awaitable[Session]]
"""Closes a session's checkout at its provider, and applies what it turns out to be instead."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What opening and closing checkouts needs besides the session."""

    rules: Rules
    clock: Clock
    providers: Mapping[str, Provider]
    close_standing: CloseStanding


async def resume_checkout(session_id: str, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open the checkout of a session that stands, or give the one that is open.

    A failed or expired session is retried: its older checkout is closed first, so that it can't be
    paid besides the new one.
    """
    session = await find_session(session_id, caller)
    return await _open(session, desk)


async def begin_checkout(new: NewSession, caller: Caller, desk: Desk) -> OpenCheckout:
    """Open or find the session that is asked for, then its checkout."""
    provider_of(new.provider, desk)  # before anything is written
    opened = await open_session(new, caller, desk.rules, desk.clock.now())
    session = opened.session
    return await _open(session.document() if isinstance(session, SessionRow) else session, desk)


def provider_of(name: str, desk: Desk) -> Provider:
    """Give a provider. Raises `InvalidInput` for one that has no credentials."""
    provider = desk.providers.get(name)
    if provider is None:
        raise wrong_field("provider", f"is {name}, which has no credentials here")
    return provider


async def _open(session: Session, desk: Desk) -> OpenCheckout:
    provider = provider_of(session.provider, desk)
    if session.checkouts and _wants_another(session, desk.clock.now()):
        session = await desk.close_standing(session)
    return await open_checkout(session, provider, desk.rules, desk.clock)


def _wants_another(session: Session, now: datetime) -> bool:
    """Tell whether the next checkout would stand besides an older one, which may have been paid."""
    if status_at(session.status, session.expires_at, now) is Status.PENDING:
        return standing_checkout(session, now) is None
    return session.status in {Status.PENDING, Status.FAILED, Status.EXPIRED}
