"""Find sessions that a caller may see."""

from datetime import datetime

from service.core.paging import Cursor
from service.sessions import repository
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import ChangeNotAllowed, SessionNotFound
from service.sessions.operations.caller import Caller
from service.sessions.states import Status
from service.storage.transactions import answers_in_time
from service.web.principal import Kind


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
    """Find a user's most recent checkout session. Raises `SessionNotFound`."""
    async with answers_in_time():
        session = await repository.find_latest_checkout(caller.principal.merchant_id, user_id)
    if session is None or not caller.may_see(session):
        raise SessionNotFound(f"of user {user_id}")
    return session


async def list_sessions(
    user_id: str,
    status: Status | None,
    caller: Caller,
    now: datetime,
    *,
    cursor: Cursor | None,
    limit: int,
) -> tuple[list[Session], Cursor | None]:
    """List a user's sessions, newest first. Raises `Forbidden` for somebody else's."""
    principal = caller.principal
    if principal.kind is Kind.PUBLISHABLE:
        raise ChangeNotAllowed("A browser reads a session by its id; lists take a secret key.")
    if principal.kind is Kind.USER and principal.user_id != user_id:
        raise ChangeNotAllowed("A user lists their own sessions: userId must be the token's.")
    async with answers_in_time():
        return await repository.page(
            principal.merchant_id, user_id, status, now, cursor=cursor, limit=limit
        )
