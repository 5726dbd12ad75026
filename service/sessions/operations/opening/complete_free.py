"""Complete a session with nothing to pay: no provider is called, and it is audited.

A coupon has covered all of it. A trial is different: it begins a subscription, which the provider
manages.
"""

from datetime import datetime

from service.audit.operations import Act, record
from service.core.errors import Busy
from service.core.strict_json import JsonObject
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.errors import NotPayable, SessionExists, SessionNotFound
from service.sessions.operations.caller import Caller
from service.sessions.operations.moving.complete import complete
from service.sessions.operations.moving.move import Cause, Moving
from service.sessions.operations.opening.pricing import Price
from service.sessions.operations.opening.retry import retry_session
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

_NOTHING_DUE = "nothing was due"


def is_free(session: Session) -> bool:
    """Return whether a session was opened with nothing to pay."""
    return session.amount == 0 and session.free_allowed


async def complete_free(
    session: Session, price: Price | None, caller: Caller, rules: Rules, now: datetime
) -> Session:
    """Complete a session with nothing to pay, and return it; a completed one stays as it is.

    `price` is the new price of a retry. One transaction writes the move with its history entry and
    message, and the audit entry. Raises `NotPayable` if it has ended for good, `SessionExists` if
    a retry meets another open session of the user, `Busy` if it is being changed.
    """

    async def work(tx: Transaction) -> Session:
        found = await repository.find_within(tx, session.merchant_id, session.session_id)
        if found is None:
            raise SessionNotFound(session.session_id)
        if found.status is Status.COMPLETED and is_free(found):
            return found
        if found.version != session.version:
            raise Busy("The session is being changed by another call.", retry_after=1)
        cause = Cause(caller.principal.label, now, reason=_NOTHING_DUE)
        found = await _open_again(tx, found, price, rules, cause)
        detail: JsonObject = {"currency": found.currency, "couponCode": found.coupon_code}
        act = Act("session.completed_free", f"session:{found.session_id}", _NOTHING_DUE, detail)
        await record(tx, caller.principal, act, now)
        return await complete(Moving(tx, cause, rules.lifetimes), found, None, {"opening": None})

    try:
        return await in_transaction(work)
    except Duplicate as error:
        raise SessionExists("The user has another open session for this plan.") from error


async def _open_again(
    tx: Transaction, session: Session, price: Price | None, rules: Rules, by: Cause
) -> Session:
    """Move a failed or expired session back to pending, so that its completion is not late."""
    status = status_at(session.status, session.expires_at, by.at)
    if status is Status.PENDING:
        return session
    if status not in {Status.FAILED, Status.EXPIRED}:
        raise NotPayable(f"The session is {status}: it can't be paid any more.")
    changes: Row = {"expiresAt": by.at + rules.lifetimes.of(session.kind)}
    return await retry_session(tx, session, price, changes, rules, by)
