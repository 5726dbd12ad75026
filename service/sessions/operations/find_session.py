"""Find sessions that a caller may see."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from service.core.paging import Cursor, Swept
from service.core.principal import Kind
from service.sessions import repository
from service.sessions.documents import TRUSTED, Session, SessionRow
from service.sessions.errors import ChangeNotAllowed, SessionNotFound, wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.rules import session_id_in
from service.sessions.repository import Listed as Listed
from service.storage.answering import answers_in_time


async def find_session(session_id: str, caller: Caller) -> Session:
    """Find a session by our id. Raises `SessionNotFound`, also where the caller may not see it."""
    found = await read_session(session_id, caller)
    return found.document()


async def read_session(session_id: str, caller: Caller) -> SessionRow:
    """Find a session by our id, to be shown. Raises `SessionNotFound`."""
    found = await repository.read(caller.principal.merchant_id, session_id)
    if found is None or not caller.may_see(found):
        raise SessionNotFound(session_id)
    return found


async def find_session_by_any_id(any_id: str, caller: Caller) -> Session:
    """Find a session by our id, or by the id of a checkout at its provider."""
    async with answers_in_time():
        session = await repository.find(caller.principal.merchant_id, any_id)
        if session is None:
            session = await repository.find_by_checkout(caller.principal.merchant_id, any_id)
    if session is None or not caller.may_see(session):
        raise SessionNotFound(any_id)
    return session


async def find_latest_checkout(user_id: str, caller: Caller) -> Session:
    """Find the most recent checkout session of a user, or the one whose secret a browser holds.

    Only an admin key is shown one that a browser opened for the user that it named. Raises
    `SessionNotFound`.
    """
    if caller.principal.kind is Kind.PUBLISHABLE:
        session = await find_proven_checkout(user_id, caller)
    else:
        owner = None if caller.principal.kind is Kind.ADMIN else TRUSTED
        async with answers_in_time():
            session = await repository.find_latest_checkout(
                caller.principal.merchant_id, user_id, owner
            )
    if session is None or not caller.may_see(session):
        raise SessionNotFound(None, user_id)
    return session


async def find_proven_checkout(user_id: str, caller: Caller) -> Session | None:
    """Find a user's checkout session by the client secret that a browser sent.

    By the id in the secret and not by the user: others may have named the same user.
    """
    if caller.client_secret is None:
        return None
    session_id = session_id_in(caller.client_secret)
    found = await repository.read(caller.principal.merchant_id, session_id)
    if found is None or not caller.may_see(found):
        return None
    session = found.document()
    return session if (session.kind, session.user_id) == ("checkout", user_id) else None


async def list_sessions(
    wanted: Listed, caller: Caller, *, cursor: Cursor | None, limit: int
) -> tuple[list[Session], Cursor | None]:
    """List sessions that a caller may see: of one user or, for secret and admin keys, of all.

    A user's own sessions are those that they or a server opened. Raises `ChangeNotAllowed` for
    somebody else's, and for a browser's, which reads by id.
    """
    wanted = _own(wanted, caller)
    async with answers_in_time():
        return await repository.page(wanted, cursor=cursor, limit=limit)


async def sweep_sessions(
    wanted: Listed, since: datetime, caller: Caller, *, cursor: Cursor | None, limit: int
) -> Swept[Session]:
    """List the sessions that were changed since a moment, as `list_sessions` does."""
    wanted = _own(wanted, caller)
    async with answers_in_time():
        return await repository.page_of_changed(wanted, since, cursor=cursor, limit=limit)


def _own(wanted: Listed, caller: Caller) -> Listed:
    principal = caller.principal
    if principal.kind is Kind.PUBLISHABLE:
        if wanted.user_id is None:
            raise wrong_field("sessionId", "or userId is required")
        raise ChangeNotAllowed("A browser reads a session by its id; lists take a secret key.")
    if principal.kind is Kind.USER:
        if wanted.user_id not in {None, principal.user_id}:
            raise ChangeNotAllowed("A user lists their own sessions: userId must be the token's.")
        wanted = replace(wanted, user_id=principal.user_id, owner=TRUSTED)
    return wanted


async def session_ids_of_email(merchant_id: str, email: str, limit: int) -> Sequence[str]:
    """Return the ids of the latest sessions of an email address. Raises `Unavailable`.

    Of one that has as many as `limit` only those that a server or the user opened, or that were
    completed: a browser may open any number with any address, and would hide the others.
    """
    async with answers_in_time():
        found = await repository.ids_of_email(merchant_id, email, limit)
        if len(found) < limit:
            return found
        return await repository.ids_of_email(merchant_id, email, limit, vouched=True)
