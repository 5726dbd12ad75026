"""Tell how a session stands now, for who can't wait: by asking its provider, where there is one."""

from service.inbox.operations.ask import Callback, verify_session
from service.inbox.operations.inbox import Inbox
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.complete_free import complete_free, is_free
from service.sessions.operations.find_session import find_session_by_any_id
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at


async def verify(
    any_id: str, callback: Callback | None, caller: Caller, rules: Rules, inbox: Inbox
) -> Session:
    """Find a session by our id or a checkout's, and return it as it stands at its provider.

    An open one of which nothing is due is completed: no provider could say more. Raises
    `SessionNotFound` and what `verify_session` raises.
    """
    session = await find_session_by_any_id(any_id, caller)
    now = inbox.clock.now()
    if is_free(session) and status_at(session.status, session.expires_at, now) is Status.PENDING:
        return await complete_free(session, None, caller, rules, now)
    return await verify_session(session, inbox, callback)
