"""Name the attempts of sessions, so that no two share a name at a provider."""

import re
from collections.abc import Iterable

from service.core.ids import derive
from service.core.principal import DEFAULT_MERCHANT
from service.sessions.documents import Session
from service.sessions.operations.caller import opened_by_a_server

_SHOWN = 20
_MARK = 10
_REST = re.compile(rf"[0-9]+-[A-Za-z0-9_-]{{{_MARK}}}")


def attempt_id(session: Session, n: int, pepper: str) -> str:
    """Return what goes out as our reference for attempt `n`; at most 40 characters.

    The first attempt of a session that a server opened for the default merchant is its session id.
    All others carry a mark that can't be made without the pepper: `abc-2` may be somebody else's
    session, two long ids may start alike, several merchants may use one session id at one account
    of a provider, and a browser may choose the number of an order that another system of the shop
    has at that account. Once a session is purged its id is free again, while its old checkouts may
    still be paid: so the mark is unique to this session. A server that reuses its own number means
    the same order.
    """
    merchant_id, session_id = session.merchant_id, session.session_id
    if n == 1 and merchant_id == DEFAULT_MERCHANT and opened_by_a_server(session):
        return session_id
    opened_at = session.created_at.isoformat()
    mark = derive(pepper, "attempt", merchant_id, session_id, opened_at, str(n))[:_MARK]
    return f"{session_id[:_SHOWN]}-{n}-{mark}"


def is_anothers(session: Session, given: str) -> bool:
    """Return whether this is an attempt of another session whose id starts like this one's.

    For instance of an earlier one with the same id.
    """
    begin = f"{session.session_id[:_SHOWN]}-"
    is_one = given.startswith(begin) and _REST.fullmatch(given.removeprefix(begin)) is not None
    return is_one and given not in session.checkout_ids


def with_checkout_ids(session: Session, ids: Iterable[str | None]) -> list[str]:
    """Return the session's checkout ids and some more, in an order independent of arrival."""
    return sorted({*session.checkout_ids, *(one for one in ids if one)})
