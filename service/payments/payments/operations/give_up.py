"""End a payment that no provider reports so: given up, not under way, or another in its place."""

from datetime import datetime

from service.outbox.operations.hearing import Heard
from service.payments.payments import repository
from service.payments.payments.documents import Payment
from service.payments.payments.operations.telling import PaymentTold, tell_payment
from service.payments.payments.states import LIVE, PaymentStatus
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


async def abandon_payment(tx: Transaction, payment: Payment, now: datetime, heard: Heard) -> bool:
    """Give up a payment with an open outcome; return whether it was. Only money overrules this."""
    return await _end(tx, payment, _told(payment, PaymentStatus.ABANDONED), now, heard)


async def lapse_payment(tx: Transaction, payment: Payment, now: datetime, heard: Heard) -> bool:
    """Note that its provider was asked and knows of nothing under way; return whether it was live.

    A failure as an event reports it: the same payment may be tried again.
    """
    told = _told(payment, PaymentStatus.FAILED, "not_under_way")
    return await _end(tx, payment, told, now, heard)


async def reverse_payment(tx: Transaction, payment: Payment, now: datetime, heard: Heard) -> None:
    """Have the real payment stand in the place of one that was entered by hand."""
    to = PaymentStatus.REVERSED
    changes: Row = {"status": to.value, "statusAt": now, "updatedAt": now, "unposted": True}
    await repository.change(payment, changes, tx)
    await tell_payment(tx, _told(payment, to), None, now, heard)


async def note_still_live(payment: Payment, now: datetime) -> None:
    """Note that its provider was asked, and said again that it is under way."""
    await repository.change(payment, {"updatedAt": now}, NO_TRANSACTION)


async def _end(
    tx: Transaction, payment: Payment, told: PaymentTold, now: datetime, heard: Heard
) -> bool:
    if payment.status not in LIVE:
        return False
    changes: Row = {"status": told.status.value, "statusAt": now, "final": False, "updatedAt": now}
    changes |= {"failureCode": told.failure_code, "failureMessage": None}
    changes |= {"declineCode": None, "failureDetails": None}
    await repository.change(payment, changes, tx)
    await tell_payment(tx, told, None, now, heard)
    return True


def _told(payment: Payment, to: PaymentStatus, code: str | None = None) -> PaymentTold:
    return PaymentTold(
        payment.merchant_id,
        payment.session_id,
        payment.provider,
        payment.provider_payment_id,
        payment.amount,
        payment.currency,
        to,
        code,
    )
