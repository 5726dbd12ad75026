"""Change a session by hand: metadata, cancel, and the moves that a secret key may make."""

from datetime import datetime

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.errors import Busy
from service.core.strict_json import JsonObject
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.errors import (
    ChangeNotAllowed,
    IllegalMove,
    SessionNotFound,
    StaleVersion,
)
from service.sessions.operations.caller import Caller
from service.sessions.operations.changing.complete_by_hand import complete_by_hand
from service.sessions.operations.changing.merge import merge_metadata
from service.sessions.operations.moving.move import Cause, Moving, move
from service.sessions.operations.rules import Rules
from service.sessions.states import BY_HAND, Status, status_at
from service.storage.answering import Duplicate
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


class Change(Struct, frozen=True):
    """What a caller wants changed; None leaves a field as it is."""

    session_id: str
    status: Status | None = None
    metadata: JsonObject | None = None
    version: int | None = None
    reason: str | None = None
    provider_payment_id: str | None = None


async def change_session(change: Change, caller: Caller, rules: Rules, now: datetime) -> Session:
    """Change a session in one transaction, and return it.

    Raises `SessionNotFound`, `StaleVersion`, `ChangeNotAllowed`, `IllegalMove`, `PaymentTaken`. A
    status that the session already has is no error: the call may be a retry.
    """

    async def work(tx: Transaction) -> Session:
        session = await read_for(change, caller, tx)
        check_change(session, change, caller, now)
        if change.metadata is not None:
            session = await _merge(tx, session, change.metadata, caller, now)
        if change.status is not None and change.status is not status_at(
            session.status, session.expires_at, now
        ):
            session = await _move_by_hand(tx, session, change, caller, rules, now)
        return session

    try:
        return await in_transaction(work)
    except Duplicate as error:
        raise Busy("Another session of this user is open by now.") from error


async def read_for(change: Change, caller: Caller, tx: Transaction) -> Session:
    """Read the session that is to be changed. Raises `SessionNotFound`, `ChangeNotAllowed`."""
    _check_allowed(change, caller)
    session = await repository.find_within(tx, caller.principal.merchant_id, change.session_id)
    if session is None or not caller.may_see(session):
        raise SessionNotFound(change.session_id)
    return session


def check_change(session: Session, change: Change, caller: Caller, now: datetime) -> None:
    """Check a change as a whole against the session: past this, only a race can defeat it.

    Raises `StaleVersion`, `ChangeNotAllowed`, `InvalidInput`, `IllegalMove`, and `Busy` for any
    move while money is being captured: until that ends, the effect of the move is unknown.
    """
    if change.version is not None and change.version != session.version:
        raise StaleVersion(change.version, session.version)
    if change.metadata is not None:
        _merged(session, change.metadata, caller)
    standing = status_at(session.status, session.expires_at, now)
    if change.status is None or change.status is standing:
        return
    if change.status not in BY_HAND[standing]:
        raise IllegalMove(standing, change.status)
    if session.capturing is not None:
        # Completed by hand, it would be paid twice; ended or retried, money would be taken for what
        # is over, or paid again; and a review would wait for a capture that never happens.
        raise Busy("A payment of this session is being captured.", retry_after=5)


def _check_allowed(change: Change, caller: Caller) -> None:
    """Refuse what only a secret key may do. Raises `ChangeNotAllowed`."""
    if caller.trusted:
        return
    if change.status not in {None, Status.CANCELED} or change.provider_payment_id is not None:
        raise ChangeNotAllowed(
            "Only a secret key may complete a session; a browser may cancel it and add metadata."
        )


def _merged(session: Session, patch: JsonObject, caller: Caller) -> tuple[JsonObject, list[str]]:
    return merge_metadata(session.metadata, session.guarded_metadata, patch, trusted=caller.trusted)


async def _merge(
    tx: Transaction, session: Session, patch: JsonObject, caller: Caller, now: datetime
) -> Session:
    merged, guarded = _merged(session, patch, caller)
    if merged == session.metadata and guarded == session.guarded_metadata:
        return session
    if caller.trusted:
        keys: JsonObject = {"keys": [*sorted(patch)]}
        act = Act("session.metadata_changed", f"session:{session.session_id}", detail=keys)
        await record(tx, caller.principal, act, now)
    fields = {"metadata": merged, "guardedMetadata": guarded, "updatedAt": now}
    return await repository.change(session, {"$set": fields}, tx)


async def _move_by_hand(
    tx: Transaction, session: Session, change: Change, caller: Caller, rules: Rules, now: datetime
) -> Session:
    to = change.status or session.status
    standing = status_at(session.status, session.expires_at, now)
    if standing is not session.status:
        session = await move(tx, session, standing, Cause("clock", now), rules.lifetimes)
    doing = Moving(tx, Cause(caller.principal.label, now, reason=change.reason), rules.lifetimes)
    if to is Status.COMPLETED:
        named = change.provider_payment_id
        return await complete_by_hand(doing, session, named, caller, heard=rules.heard)
    if caller.trusted:
        states: JsonObject = {"from": standing.value, "to": to.value}
        act = Act("session.moved_by_hand", f"session:{session.session_id}", change.reason, states)
        await record(tx, caller.principal, act, now)
    changes = _tried_again(session, rules, now) if to is Status.PENDING else {}
    return await move(tx, session, to, doing.cause, rules.lifetimes, changes)


def _tried_again(session: Session, rules: Rules, now: datetime) -> Row:
    """Reset it: whoever moves it back says that nothing is under way; later reports are new."""
    changes: Row = {"liveAttempts": []}
    if session.status is not Status.PROCESSING:
        changes["expiresAt"] = now + rules.lifetimes.of(session.kind)
    return changes
