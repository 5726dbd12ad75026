"""Request the capture of held money: one payment of a session at a time."""

from collections.abc import Collection
from datetime import datetime

from msgspec import Struct

from service.outbox import repository as outbox_repository
from service.outbox.operations import messages as outbox
from service.payments.payments import repository as payments
from service.payments.payments.states import PaymentStatus
from service.sessions import repository
from service.sessions.documents import Capturing, Session
from service.sessions.operations.moving.giving_up import this_version
from service.sessions.operations.reviewing.decisions import is_wanted
from service.sessions.states import FINAL
from service.storage.database import Row
from service.storage.transaction import Transaction

CAPTURE = "provider.capture"


class PaymentState(Struct, frozen=True):
    """What the ledger knows about a payment, as far as its capture depends on it."""

    payment_id: str
    status: PaymentStatus
    amount: int
    currency: str


def may_capture(session: Session, payment: PaymentState) -> bool:
    """Return whether a payment is money that is held for this session, and may be captured.

    A different amount only if a person has accepted it.
    """
    return (
        payment.status is PaymentStatus.AUTHORIZED
        and session.status not in FINAL
        and payment.payment_id not in session.refused_captures
        and is_wanted(session, payment.payment_id, payment.amount, payment.currency)
    )


async def claimed(
    tx: Transaction,
    session: Session,
    reported: PaymentState,
    others: Collection[str],
    now: datetime,
) -> Capturing | None:
    """Return which payment is to be captured, now that one was `reported`.

    The first held one is claimed, and stays claimed until it fails or is refused: then the next of
    the `others` takes its turn, by id, so that every order of events chooses the same.
    """
    current, held = session.capturing, may_capture(session, reported)
    if current is None:
        return Capturing(payment_id=reported.payment_id, at=now) if held else None
    if held or current.payment_id != reported.payment_id:
        return current
    return await next_claim(tx, session, others, now)


async def next_claim(
    tx: Transaction, session: Session, among: Collection[str], now: datetime
) -> Capturing | None:
    """Return a claim on the first held payment among those under way, if there is one."""
    for payment_id in sorted(among):
        row = await payments.find(session.provider, session.account, payment_id, tx)
        if row is None:
            continue
        if may_capture(session, PaymentState(payment_id, row.status, row.amount, row.currency)):
            return Capturing(payment_id=payment_id, at=now)
    return None


async def request_capture(
    tx: Transaction, before: Session, after: Session, reported: PaymentState | None, now: datetime
) -> None:
    """Write the message that requests the capture, if the claim is new."""
    claim = after.capturing
    if claim is None or claim == before.capturing:
        return
    if reported is None or reported.payment_id != claim.payment_id:
        row = await payments.find(after.provider, after.account, claim.payment_id, tx)
        if row is None:
            return
        reported = PaymentState(claim.payment_id, row.status, row.amount, row.currency)
    await outbox_repository.add_once([capture_message(after, claim, reported, now)], tx)


async def release_refused(
    tx: Transaction, session: Session, payment_id: str, now: datetime
) -> Session:
    """Give up a payment whose capture the provider refuses; the next one takes its turn."""
    refused = sorted({*session.refused_captures, payment_id})
    fields: Row = {"refusedCaptures": refused, "capturing": None, "updatedAt": now}
    released = await repository.change(session, {"$set": fields}, tx)
    return await claim_next(tx, released, session.live_attempts, now)


async def claim_next(
    tx: Transaction, session: Session, among: Collection[str], now: datetime
) -> Session:
    """Claim the first held payment among some, if any, for a session that is capturing none."""
    claim = await next_claim(tx, session, among, now)
    if claim is None:
        return session
    fields: Row = {"capturing": as_row(claim), "updatedAt": now}
    claimed_by = await repository.change(session, {"$set": fields}, tx)
    await request_capture(tx, session, claimed_by, None, now)
    return claimed_by


def is_claim(session: Session, payment_id: str, claimed_at: object) -> bool:
    """Return whether a session's claim is on this payment, and was made at this time, if given."""
    claim = session.capturing
    if claim is None or claim.payment_id != payment_id:
        return False
    return claimed_at is None or claim.at.isoformat() == claimed_at


def as_row(claim: Capturing | None) -> Row | None:
    """Return a claim as it is stored."""
    return claim.model_dump(by_alias=True) if claim else None


def capture_message(
    session: Session, claim: Capturing, payment: PaymentState, now: datetime
) -> Row:
    """Make the message that requests a capture; each claim has its own."""
    return outbox.message(
        CAPTURE,
        f"{session.provider}:{claim.payment_id}:{this_version(session)}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload={
            "provider": session.provider,
            "providerPaymentId": claim.payment_id,
            "amount": payment.amount,
            "currency": payment.currency,
            "claimedAt": claim.at.isoformat(),
        },
        now=now,
    )
