"""Change a session by hand: metadata, cancel, and what a secret key may settle."""

from dataclasses import dataclass
from datetime import datetime

from service.audit.operations import Act, record
from service.core.errors import Busy
from service.core.strict_json import JsonObject
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations import Told, record_payment
from service.payments.payments.states import PaymentStatus
from service.sessions import repository
from service.sessions.documents import Session
from service.sessions.errors import (
    ChangeNotAllowed,
    IllegalMove,
    PaymentTaken,
    SessionNotFound,
    StaleVersion,
)
from service.sessions.operations.caller import Caller
from service.sessions.operations.merge import merge_metadata
from service.sessions.operations.move import Why, move
from service.sessions.operations.rules import Rules
from service.sessions.states import BY_HAND, Status, is_late, status_at
from service.storage.database import Row
from service.storage.transactions import Duplicate, Transaction, in_transaction


@dataclass(frozen=True, slots=True)
class Change:
    """What a caller wants changed; None leaves a thing as it is."""

    session_id: str
    status: Status | None = None
    metadata: JsonObject | None = None
    version: int | None = None
    reason: str | None = None
    provider_payment_id: str | None = None


async def change_session(change: Change, caller: Caller, rules: Rules, now: datetime) -> Session:
    """Change a session in one transaction, and give it as it then stands.

    Raises `SessionNotFound`, `StaleVersion`, `ChangeNotAllowed`, `IllegalMove`, `PaymentTaken`. A
    status that stands already is no error: the call may be a repetition.
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
    session = await repository.find(caller.principal.merchant_id, change.session_id, tx)
    if session is None or not caller.may_see(session):
        raise SessionNotFound(change.session_id)
    return session


def check_change(session: Session, change: Change, caller: Caller, now: datetime) -> None:
    """Hold a change as a whole against the session: what passes here is only lost by a race.

    Raises `StaleVersion`, `ChangeNotAllowed`, `InvalidInput`, `IllegalMove`, and `Busy` for any
    move while money is being captured: until that is known nobody can tell what the move means.
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
        # Completed by hand it would be paid twice; ended or tried again, money is taken for what is
        # over or paid anew; and a review would wait for a capture that never comes.
        raise Busy("A payment of this session is being captured.", retry_after=5)


def _check_allowed(change: Change, caller: Caller) -> None:
    """Refuse what only a secret key may do. Raises `ChangeNotAllowed`."""
    if caller.trusted:
        return
    if change.status not in {None, Status.CANCELED} or change.provider_payment_id is not None:
        raise ChangeNotAllowed(
            "Only a secret key may settle a session; a browser may cancel it and add metadata."
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
    why = Why(caller.principal.label, now, reason=change.reason)
    if standing is not session.status:
        session = await move(tx, session, standing, Why("clock", now), rules.lifetimes)
    changes: Row = {}
    if caller.trusted and to is not Status.COMPLETED:
        states: JsonObject = {"from": standing.value, "to": to.value}
        act = Act("session.moved_by_hand", f"session:{session.session_id}", change.reason, states)
        await record(tx, caller.principal, act, now)
    if to is Status.COMPLETED:
        changes = await _settle(tx, session, change, caller, now)
    elif to is Status.PENDING:
        # Whoever moves it says that nothing is under way; anything reported later counts as new.
        changes = {"liveAttempts": []}
        if session.status is not Status.PROCESSING:
            changes["expiresAt"] = now + rules.lifetimes.of(session.kind)
    return await move(tx, session, to, why, rules.lifetimes, changes)


async def _settle(
    tx: Transaction, session: Session, change: Change, caller: Caller, now: datetime
) -> Row:
    """Write the ledger row and the audit of a settlement by hand; return the session's changes.

    The row is always the session's own. A provider's id that the server names is kept beside it and
    claims nothing: nobody has verified it, and one bank transfer may settle several sessions.
    """
    named, hand_id = change.provider_payment_id, _hand_id(session)
    for paid in (named, hand_id):  # an earlier session of this id may have an entry of its own
        known = await payments.find(session.provider, session.account, paid, tx) if paid else None
        if known is not None and not _is_free_for(known, session):
            raise PaymentTaken(f"Payment {paid!r} does not belong to this session.")
    await record_payment(tx, _settlement(session, hand_id, named, now), now)
    detail: JsonObject = {"amount": session.amount, "currency": session.currency}
    detail |= {"providerPaymentId": hand_id} | ({"named": named} if named else {})
    act = Act(
        "session.settled_by_hand",
        f"session:{session.session_id}",
        reason=change.reason or "no reason was given",
        detail=detail,
    )
    await record(tx, caller.principal, act, now)
    return {
        "completedAt": now,
        "late": is_late(session.status, session.expires_at, now),
        "providerPaymentId": hand_id,
    }


def _is_free_for(payment: Payment, session: Session) -> bool:
    """Tell whether a verified payment is this session's, or matched no session when it came."""
    own = (session.merchant_id, session.session_id, session.created_at)
    return payment.claim is None or payment.claim.is_of(*own)


def _hand_id(session: Session) -> str:
    return f"hand:{session.merchant_id}:{session.session_id}"


def _settlement(session: Session, hand_id: str, named: str | None, now: datetime) -> Told:
    return Told(
        merchant_id=session.merchant_id,
        provider=session.provider,
        account=session.account,
        live=session.live,
        provider_payment_id=hand_id,
        amount=session.amount,
        currency=session.currency,
        status=PaymentStatus.SUCCEEDED,
        occurred_at=now,
        payment_method="hand",
        provider_session_id=session.provider_session_id,
        session_id=session.session_id,
        session_opened_at=session.created_at,
        user_id=session.user_id,
        plan=session.plan,
        aliases=(named,) if named else (),
    )
