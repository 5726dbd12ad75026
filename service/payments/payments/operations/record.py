"""Write what an event reports of a payment into its one row."""

from datetime import datetime

from msgspec import Struct

from service.payments.payments import repository
from service.payments.payments.documents import Claim, Payment
from service.payments.payments.operations.merging import changes_by, new_row_of
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import POSTED, PaymentStatus
from service.storage.database import Row
from service.storage.transaction import Transaction


class Recorded(Struct, frozen=True):
    """What is known of a payment once it was reported.

    `claimed_by` is the session that it belongs to: the first that a verified event tied it to, also
    where this one ties it to another. `before` is how it stood, None where nobody knew of it.
    `is_marked`: its entries are posted anew by what this one changed. `carries`: it changed whose
    the payment is, or how much, and what hangs on it follows. `moved`: it is of another merchant.
    """

    status: PaymentStatus
    provider_session_id: str | None
    provider_customer_id: str | None
    claimed_by: Claim | None
    amount: int
    currency: str
    subscription_id: str | None = None
    before: PaymentStatus | None = None
    is_marked: bool = False
    carries: bool = False
    moved: bool = False


_WHOSE = frozenset({"merchantId", "sessionId", "userId"})
_HOW_MUCH = frozenset({"amount", "currency"})


async def record_payment(tx: Transaction, reported: ReportedPayment, now: datetime) -> Recorded:
    """Merge what was reported into the payment's row, and return how it now stands.

    The result does not depend on the order of the calls: the status is the greatest by `standing`,
    and every other field is the same in all events of one payment or filled by the first.
    """
    key = (reported.provider, reported.account, reported.provider_payment_id)
    payment = await repository.find(*key, tx)
    if payment is None:
        await repository.insert(new_row_of(reported, now), tx)
        return Recorded(
            reported.status,
            reported.provider_session_id,
            reported.provider_customer_id,
            reported.claim,
            reported.amount,
            reported.currency,
            reported.provider_subscription_id,
            is_marked=reported.status in POSTED,
        )
    changes = changes_by(payment, reported)
    if changes:
        await repository.change(payment, changes | {"updatedAt": now}, tx)
    return Recorded(
        PaymentStatus(changes.get("status", payment.status)),
        changes.get("providerSessionId", payment.provider_session_id),
        changes.get("providerCustomerId", payment.provider_customer_id),
        payment.claim or reported.claim,
        changes.get("amount", payment.amount),
        changes.get("currency", payment.currency),
        changes.get("providerSubscriptionId", payment.provider_subscription_id),
        before=payment.status,
        is_marked="unposted" in changes,
        carries=_carries(payment, changes),
        moved="merchantId" in changes,
    )


def _carries(payment: Payment, changes: Row) -> bool:
    """Return whether what hangs on a payment follows: whose it is, or its sums if it has some."""
    if not _WHOSE.isdisjoint(changes):
        return True
    sums = payment.refunded or payment.reserved or payment.held or payment.excess
    return bool(sums) and not _HOW_MUCH.isdisjoint(changes)
