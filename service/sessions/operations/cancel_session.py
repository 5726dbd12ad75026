"""Cancel a session: its checkout is closed at the provider first, so that it can't be paid."""

from service.sessions.documents import Session
from service.sessions.errors import StaleVersion
from service.sessions.operations.begin_checkout import Desk
from service.sessions.operations.caller import Caller
from service.sessions.operations.change_session import Change, change_session, check_allowed
from service.sessions.operations.find_session import find_session
from service.sessions.states import Status, status_at


async def cancel_session(change: Change, caller: Caller, desk: Desk) -> Session:
    """Close the standing checkout, then cancel.

    Where the checkout turns out to be paid, the session is completed, and canceling it is an
    `IllegalMove`. Raises what `change_session` raises.
    """
    check_allowed(change, caller)  # before anything is closed
    session = await find_session(change.session_id, caller)
    if change.version is not None and change.version != session.version:
        raise StaleVersion(change.version, session.version)
    now = desk.clock.now()
    if status_at(session.status, session.expires_at, now) is Status.PENDING:
        await desk.close_standing(session)
    return await change_session(change, caller, desk.rules, desk.clock.now())
