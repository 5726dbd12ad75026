"""Enter into the ledger what events of before say of refunds, disputes and tries that failed."""

from datetime import datetime

from msgspec import structs

from service.effects.differences import Difference
from service.effects.ledger import attempt_of, payment_ids, reported_of
from service.payments.attempts.operations.record import record_attempt
from service.payments.disputes.operations.record import record_dispute
from service.payments.payments import repository as payments
from service.payments.refunds.operations.record import record_refund
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    DisputeUpdated,
    Fact,
    InvoicePaymentFailed,
    PaymentFailed,
    RefundUpdated,
)
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

_ENTERED = RefundUpdated | DisputeUpdated | PaymentFailed | InvoicePaymentFailed


class _OnlyLooked(Exception):
    """Nothing is to be written: the transaction is aborted."""


async def enter(
    event: VerifiedEvent, fact: Fact, now: datetime, *, dry_run: bool
) -> list[Difference]:
    """Enter a fact of an event that was applied; return what of the ledger that changes.

    No session is moved and no message written. What names a payment that nobody knows is left to a
    replay, which waits for it. Raises `Unavailable`.
    """
    if not isinstance(fact, _ENTERED):
        return []
    found: list[Difference] = []

    async def work(tx: Transaction) -> None:
        found[:] = await _entered(tx, event, fact, now)
        if dry_run:
            raise _OnlyLooked

    try:
        await in_transaction(work)
    except _OnlyLooked:
        pass
    return found


async def _entered(
    tx: Transaction, event: VerifiedEvent, fact: _ENTERED, now: datetime
) -> list[Difference]:
    if isinstance(fact, PaymentFailed | InvoicePaymentFailed):
        return await _attempt(tx, event, fact, now)
    payment = await payments.find_reported(event.provider, event.account, payment_ids(fact), tx)
    if payment is None:
        return []
    if isinstance(fact, RefundUpdated):
        refund = await record_refund(tx, event, fact, payment, now)
        named, changed = f"{fact.provider_refund_id} refund", refund.changed
        before, after = refund.before, refund.refund.status
        return [Difference(named, before, after)] if changed else []
    dispute = await record_dispute(tx, event, fact, payment, now)
    named = f"{fact.provider_dispute_id} dispute"
    return [Difference(named, dispute.before, dispute.dispute.status)] if dispute.changed else []


async def _attempt(
    tx: Transaction,
    event: VerifiedEvent,
    fact: PaymentFailed | InvoicePaymentFailed,
    now: datetime,
) -> list[Difference]:
    key, attempt_id = fact.payment.provider_payment_id, attempt_of(fact)
    payment = await payments.find(event.provider, event.account, key, tx)
    if payment is None or attempt_id is None:
        return []
    reported = structs.replace(
        reported_of(event, payment.merchant_id, fact),
        session_id=payment.session_id,
        user_id=payment.user_id,
    )
    if not await record_attempt(tx, reported, attempt_id, now):
        return []
    return [Difference(f"{attempt_id} attempt", None, "failed")]
