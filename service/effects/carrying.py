"""A payment's row, and what hangs on it: refunds and disputes go with it when it changes."""

from datetime import datetime

from service.effects.applying import Applied, Applying
from service.effects.telling import is_wanted, tell_reported
from service.payments.disputes import repository as disputes
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.derive import derive_holds
from service.payments.payments.operations.record import Recorded
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.refunds import repository as refunds
from service.payments.refunds.operations.record import derive
from service.sessions.documents import Session
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.transaction import Transaction


def is_followed(doing: Applying, reported: ReportedPayment, recorded: Recorded) -> bool:
    """Return whether anything follows from what was written into a payment's row."""
    return recorded.carries or is_wanted(doing, reported, recorded)


async def follow(
    doing: Applying, reported: ReportedPayment, recorded: Recorded, session_id: str | None
) -> None:
    """Have what hangs on a payment follow its row, and tell who hears payments, as of `session_id`.

    Refunds and disputes may have come while it was nobody's, or of another amount.
    """
    if recorded.carries:
        payment = await _find(doing, reported.provider_payment_id)
        await _carry(doing.tx, payment, doing.cause.at)
    if is_wanted(doing, reported, recorded):
        await tell_reported(doing, reported, recorded, session_id)


def is_sold_now(before: Session, after: Applied, recorded: Recorded) -> bool:
    """Return whether a payment completed its session without a change of its own row."""
    completes = before.status is not Status.COMPLETED and after.session.status is Status.COMPLETED
    return completes and not recorded.is_marked


async def post_anew(doing: Applying, payment_id: str) -> None:
    """Have a payment posted anew that was posted as what fits no session, and is what was sold."""
    payment = await _find(doing, payment_id)
    mark: Row = {"unposted": True, "updatedAt": payment.touched_at(doing.cause.at)}
    await payments.change(payment, mark, doing.tx)


async def _find(doing: Applying, payment_id: str) -> Payment:
    found = await payments.find(doing.event.provider, doing.event.account, payment_id, doing.tx)
    if found is None:  # it was written in this transaction
        raise LookupError(f"There is no payment {payment_id}.")
    return found


async def _carry(tx: Transaction, payment: Payment, now: datetime) -> None:
    """Have refunds and disputes be of whom their payment is, and derive its sums again."""
    whose: Row = {
        "merchantId": payment.merchant_id,
        "sessionId": payment.session_id,
        "userId": payment.user_id,
    }
    back = await refunds.of_payment(str(payment.id), tx)
    for refund in back:
        if changes := refund.differing(whose):
            await refunds.change(refund, changes | {"updatedAt": now}, None, tx)
    disputed = await disputes.of_payment(str(payment.id), tx)
    for dispute in disputed:
        if changes := dispute.differing(whose):
            await disputes.change(dispute, changes | {"updatedAt": now}, None, tx)
    if back:
        await derive(tx, payment, back, now)
    if disputed:
        held = sum(one.takes_of(payment) for one in disputed)
        await derive_holds(tx, payment, held=held, now=now)
