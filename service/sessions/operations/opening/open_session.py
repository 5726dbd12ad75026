"""Open a session: create it, or find the one that the same request made before."""

from datetime import datetime

from msgspec import Struct

from service.core.errors import InvalidInput, Unavailable
from service.core.ids import looks_like_a_providers
from service.core.principal import Kind
from service.intents.operations.follow import follow_intent
from service.sessions import repository
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import (
    ChangeNotAllowed,
    wrong_field,
)
from service.sessions.operations.caller import Caller
from service.sessions.operations.opening.build_session import build_session
from service.sessions.operations.opening.existing import (
    check_price,
    find_earlier,
    find_existing,
    find_proven,
)
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.rules import Rules
from service.storage.answering import Duplicate

# A session that blocked an insert may end before it is read; more often than this it is no race.
_TRIES = 5


class Opened(Struct, frozen=True):
    """A session, its secret if the caller may have it, and whether this call created it."""

    session: Session | SessionRow
    client_secret: str | None
    created: bool


async def open_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Opened:
    """Create the session, or return the one that has its id or is open for its user.

    The lead that it follows, if it names one, learns of it. A user's open session is one that a
    secret key or their token opened; a browser continues only the session whose client secret it
    sends.

    Raises `InvalidInput` or a subclass for invalid requests, `SessionExists` if the id was used
    for another request, `OpenSessionDiffers` if a server names an amount, or a page holds a quote,
    that differs from the open session's.
    """
    _check_caller(new, caller)
    opened = await _open(new, caller, rules, now)
    if new.intent_id is not None:
        merchant_id = caller.principal.merchant_id
        await follow_intent(merchant_id, new.intent_id, opened.session.session_id)
    return opened


async def _open(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Opened:
    try:
        built = await build_session(new, caller, rules, now)
    except InvalidInput as error:
        # The same call again: what it was checked against may have changed since the first one.
        standing = await find_earlier(new, caller, error, rules, now)
        if standing is None:
            raise
        return Opened(standing, rules.known_client_secret(standing), created=False)
    session = built.session
    proven = await find_proven(new, caller, now)
    if proven is not None:
        check_price(proven, session, new, caller)
        return Opened(proven, rules.known_client_secret(proven), created=False)
    for _ in range(_TRIES):
        try:
            await repository.insert(session)
        except Duplicate:
            found = await find_existing(session, new, caller, rules, now)
            if found is not None:
                return Opened(found, rules.known_client_secret(found), created=False)
        else:
            return Opened(session, built.client_secret, created=True)
    raise Unavailable("The session meets another one that can't be read yet; try again.")


def _check_caller(new: NewSession, caller: Caller) -> None:
    principal = caller.principal
    if principal.kind is Kind.USER and new.user_id != principal.user_id:
        raise ChangeNotAllowed("A user opens sessions for themselves: userId must be the token's.")
    if new.provider_session_id is not None and not caller.trusted:
        raise ChangeNotAllowed("Only a secret key may name the provider's own session.")
    if new.session_id and not caller.trusted and looks_like_a_providers(new.session_id):
        raise wrong_field(
            "sessionId",
            "must not be shaped like a provider's own id: only a secret key may name one so",
        )
