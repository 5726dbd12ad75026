"""End a payment whose outcome nobody reports any more."""

from datetime import datetime

from service.payments.payments import repository
from service.payments.payments.documents import Payment
from service.payments.payments.states import LIVE, PaymentStatus
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


async def abandon_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Give up a payment with an open outcome; return whether it was. Only money overrules this."""
    return await _end(tx, payment, PaymentStatus.ABANDONED, None, now)


async def lapse_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Note that its provider was asked and knows of nothing under way; return whether it was live.

    A failure as an event reports it: the same payment may be tried again.
    """
    return await _end(tx, payment, PaymentStatus.FAILED, "not_under_way", now)


async def note_still_live(payment: Payment, now: datetime) -> None:
    """Note that its provider was asked, and said again that it is under way."""
    await repository.change(payment, {"updatedAt": now}, NO_TRANSACTION)


async def _end(
    tx: Transaction, payment: Payment, to: PaymentStatus, code: str | None, now: datetime
) -> bool:
    if payment.status not in LIVE:
        return False
    changes: Row = {"status": to.value, "statusAt": now, "final": False, "updatedAt": now}
    changes |= {"failureCode": code, "failureMessage": None}
    changes |= {"declineCode": None, "failureDetails": None}
    await repository.change(payment, changes, tx)
    return True
