"""Cancel a session: its checkouts are closed at the provider first, so that they can't be paid."""

from msgspec.structs import replace

from service.sessions.checkouts.close import close_now
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.changing.change_session import (
    Change,
    change_session,
    check_change,
    read_for,
)
from service.sessions.operations.moving.giving_up import give_up, to_be_closed
from service.sessions.states import Status, status_at
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def cancel_session(change: Change, caller: Caller, services: CheckoutServices) -> Session:
    """Close all checkouts, then cancel.

    The change is checked as a whole before anything is given up. Where a checkout turns out to be
    paid, the session is completed, and canceling it is an `IllegalMove`. Raises what
    `change_session` raises.
    """
    now = services.clock.now()

    async def work(tx: Transaction) -> Session:
        session = await read_for(change, caller, tx)
        check_change(session, change, caller, now)
        if status_at(session.status, session.expires_at, now) is not Status.PENDING:
            return session
        return await give_up(tx, session, now)

    session = await in_transaction(work)
    if refs := await to_be_closed(session):
        await close_now(session, refs, services)
    if session.version != change.version:  # it was checked before the giving up
        change = replace(change, version=None)
    return await change_session(change, caller, services.rules, services.clock.now())
