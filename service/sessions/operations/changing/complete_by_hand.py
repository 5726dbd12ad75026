"""Complete a session by hand: a secret key states that it was paid, and how it knows."""

from datetime import datetime

from service.audit.operations import Act, record
from service.core.strict_json import JsonObject
from service.outbox.operations.hearing import Heard
from service.payments.payments import repository as payments
from service.payments.payments.documents import BY_HAND, Payment
from service.payments.payments.operations.record import record_payment
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.operations.telling import PaymentTold, tell_payment
from service.payments.payments.states import HAND, PaymentStatus
from service.sessions.documents import Session
from service.sessions.errors import PaymentTaken
from service.sessions.operations.caller import Caller
from service.sessions.operations.moving.complete import complete
from service.sessions.operations.moving.move import Moving
from service.sessions.operations.reviewing.claims import claimed_for
from service.storage.transaction import Transaction


def is_by_hand(payment_id: str | None) -> bool:
    """Return whether a payment's id is that of an entry by hand: no provider gives such a one."""
    return payment_id is not None and payment_id.startswith(HAND)


async def complete_by_hand(
    doing: Moving, session: Session, named: str | None, caller: Caller, *, heard: Heard
) -> Session:
    """Write the ledger row and the audit entry of a completion by hand, and complete the session.

    The row is always the session's own. A provider's id that the server `named` is stored with it
    but claims nothing: it is not verified, and one bank transfer may pay for several sessions.
    Raises `PaymentTaken` if a payment that its provider knows by that id belongs to another one.
    """
    tx, now, hand_id = doing.tx, doing.cause.at, _hand_id(session)
    await _check_free(tx, session, named, hand_id)
    reported = _by_hand(session, hand_id, named, now)
    recorded = await record_payment(tx, reported, now)
    if recorded.status is not recorded.before:
        await tell_payment(tx, _told(reported), None, now, heard)
    detail: JsonObject = {"amount": session.amount, "currency": session.currency}
    detail |= {"providerPaymentId": hand_id} | ({"named": named} if named else {})
    act = Act(
        "session.settled_by_hand",
        f"session:{session.session_id}",
        reason=doing.cause.reason or "no reason was given",
        detail=detail,
    )
    await record(tx, caller.principal, act, now)
    return await complete(doing, session, hand_id, {})


async def _check_free(tx: Transaction, session: Session, named: str | None, hand_id: str) -> None:
    account = (session.provider, session.account)
    for paid in (named, hand_id):  # an earlier session with this id may have an entry of its own
        known = await payments.find(*account, paid, tx) if paid else None
        if known is not None and not _is_free_for(known, session):
            raise PaymentTaken(f"Payment {paid!r} does not belong to this session.")
    for known in await payments.find_by_alias(*account, named, tx) if named else ():
        # What a bank gave may stand for several payments.
        if named != known.details.get("bankReference") and not _is_free_for(known, session):
            raise PaymentTaken(f"The payment of {named!r} does not belong to this session.")


def _is_free_for(payment: Payment, session: Session) -> bool:
    """Return whether a verified payment is this session's, or matched none when it arrived."""
    own = (session.merchant_id, session.session_id, session.created_at)
    return payment.claim is None or payment.claim.is_of(*own)


def _hand_id(session: Session) -> str:
    return f"{HAND}{session.merchant_id}:{session.session_id}"


def _told(reported: ReportedPayment) -> PaymentTold:
    return PaymentTold(
        reported.merchant_id,
        reported.session_id,
        reported.provider,
        reported.provider_payment_id,
        reported.amount,
        reported.currency,
        reported.status,
    )


def _by_hand(session: Session, hand_id: str, named: str | None, now: datetime) -> ReportedPayment:
    reported = ReportedPayment(
        merchant_id=session.merchant_id,
        provider=session.provider,
        account=session.account,
        live=session.live,
        provider_payment_id=hand_id,
        amount=session.amount,
        currency=session.currency,
        status=PaymentStatus.SUCCEEDED,
        occurred_at=now,
        payment_method=BY_HAND,
        provider_session_id=session.provider_session_id,
        aliases=(named,) if named else (),
    )
    return claimed_for(session, reported)
