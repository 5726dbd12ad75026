"""A lost dispute and the refund by which its provider paid the customer: the same money."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from service.payments.disputes import repository as disputes
from service.payments.disputes.documents import Dispute
from service.payments.disputes.operations.record import RecordedDispute
from service.payments.disputes.states import DisputeStatus
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository as refunds
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.record import RecordedRefund, derive
from service.payments.refunds.states import RefundStatus
from service.storage.transaction import Transaction

# Razorpay says nowhere which refund is that of a dispute, nor when it makes it. A merchant makes
# none while the money is held, and there is nothing to be refunded of a payment that was lost.
_BEFORE, _AFTER = timedelta(minutes=1), timedelta(days=1)


async def count_refund_once(
    tx: Transaction, recorded: RecordedRefund, payment: Payment, now: datetime
) -> None:
    """Count a refund that was recorded once with the dispute that it may have paid back."""
    if recorded.changed and payment.held:
        await _count_once(tx, payment, recorded.refund.provider_payment_id, now)


async def count_dispute_once(
    tx: Transaction, recorded: RecordedDispute, payment: Payment, now: datetime
) -> None:
    """Count a dispute that was recorded once with the refund that may have paid it back."""
    stands = recorded.dispute
    if recorded.changed and DisputeStatus.LOST in {recorded.before, stands.status}:
        await _count_once(tx, payment, stands.provider_payment_id, now)


async def _count_once(
    tx: Transaction, payment: Payment, provider_payment_id: str, now: datetime
) -> None:
    """Mark which refunds of a payment only paid what its lost disputes took, and derive its sums.

    A function of the rows alone, so it is the same whichever comes last. Whatever else changes one
    of them writes the payment, too: two at once conflict.
    """
    if payment.provider_payment_id != provider_payment_id:  # the row stays with its first payment
        key = (payment.provider, payment.account, provider_payment_id)
        payment = await payments.find(*key, tx) or payment
    known = await refunds.of_payment(str(payment.id), tx)
    paid = paid_back(known, await disputes.of_payment(str(payment.id), tx))
    after = []
    for one in known:
        by = paid.get(one.refund_id)
        if by != one.by_dispute:
            changes = {"byDispute": by, "unposted": True, "updatedAt": now}
            one = await refunds.change(one, changes, None, tx)
        after.append(one)
    if after != known:
        await derive(tx, payment, after, now)


def paid_back(known: Iterable[Refund], disputed: Iterable[Dispute]) -> dict[str, str]:
    """Return which refunds paid what a lost dispute took: our ids, and the provider's of those.

    Only where the provider tells what a dispute took and no movements, as Razorpay does: one that
    it made itself, at about the time, of at most that.
    """
    found: dict[str, str] = {}
    own = sorted(filter(_is_providers, known), key=_made)
    for dispute in sorted(filter(_is_deducted, disputed), key=_ended):
        for refund in own:
            if refund.refund_id not in found and _pays(refund, dispute):
                found[refund.refund_id] = dispute.provider_dispute_id
                break
    return found


def _pays(refund: Refund, dispute: Dispute) -> bool:
    ended, made = dispute.closed_at, refund.made_at
    return (
        ended is not None
        and made is not None
        and ended - _BEFORE <= made <= ended + _AFTER
        and refund.currency == dispute.currency
        and refund.amount <= (dispute.deducted or 0)
    )


def _is_providers(refund: Refund) -> bool:
    made = refund.status not in {RefundStatus.FAILED, RefundStatus.CANCELED}
    return made and refund.source == "provider" and not refund.void


def _is_deducted(dispute: Dispute) -> bool:
    return dispute.status is DisputeStatus.LOST and not dispute.movements


def _made(refund: Refund) -> tuple[str, str]:
    return str(refund.made_at), refund.refund_id


def _ended(dispute: Dispute) -> tuple[str, str]:
    return str(dispute.closed_at), dispute.provider_dispute_id
