"""What a payment's row has of its refunds and disputes: sums, derived in their transaction."""

from datetime import datetime

from service.payments.payments import repository
from service.payments.payments.documents import Payment
from service.payments.payments.operations.merging import capped
from service.storage.database import Row
from service.storage.transaction import Transaction


async def derive_refunds(
    tx: Transaction, payment: Payment, *, refunded: int, reserved: int, now: datetime
) -> None:
    """Write the sums of a payment's refunds, in minor units of its currency.

    `refunded` may be more than was paid: what is beyond stands apart. The row is written in any
    case, so that two transactions that change refunds of one payment conflict.
    """
    changes: Row = {"reserved": reserved, "updatedAt": payment.touched_at(now)}
    changes |= capped(refunded, payment.amount)
    await repository.change(payment, changes, tx)


async def derive_holds(tx: Transaction, payment: Payment, *, held: int, now: datetime) -> None:
    """Write what a payment's disputes hold, in minor units. Written in any case, as above."""
    await repository.change(payment, {"held": held, "updatedAt": payment.touched_at(now)}, tx)
