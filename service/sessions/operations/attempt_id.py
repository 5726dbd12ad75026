"""Name the attempts of sessions, so that no two of them have one name at a provider."""

from collections.abc import Iterable

from service.core.ids import derive
from service.sessions.documents import Session
from service.web.principal import DEFAULT_MERCHANT

_SHOWN = 20
_MARK = 10


def attempt_id(merchant_id: str, session_id: str, n: int, pepper: str) -> str:
    """Return what goes out as our reference for attempt `n`; at most 40 characters.

    The first attempt of the default merchant is the session's id. All others carry a mark that
    nobody can make without the pepper: `abc-2` may be a session of somebody else, two long ids may
    begin alike, and several merchants may use one session id at one account of a provider.
    """
    if n == 1 and merchant_id == DEFAULT_MERCHANT:
        return session_id
    mark = derive(pepper, "attempt", merchant_id, session_id, str(n))[:_MARK]
    return f"{session_id[:_SHOWN]}-{n}-{mark}"


def with_checkout_ids(session: Session, ids: Iterable[str | None]) -> list[str]:
    """Return the session's checkout ids and some more, in an order that no arrival decides."""
    return sorted({*session.checkout_ids, *(one for one in ids if one)})
