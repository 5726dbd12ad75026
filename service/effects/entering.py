"""Enter into the ledger what events of before say of refunds, disputes and tries that failed."""

from contextlib import suppress
from datetime import datetime

from msgspec import structs

from service.effects.differences import Difference
from service.effects.ledger import attempt_of, payment_ids
from service.effects.lost_disputes import count_dispute_once, count_refund_once
from service.payments.attempts.operations.record import record_attempt
from service.payments.disputes.operations.record import record_dispute
from service.payments.payments import repository as payments
from service.payments.payments.operations.reported import Origin, ReportedPayment
from service.payments.refunds.operations.record import record_refund
from service.providers.facts import (
    DisputeUpdated,
    Fact,
    InvoiceFact,
    InvoicePaymentFailed,
    PaymentFact,
    PaymentFailed,
    RefundUpdated,
)
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

_ENTERED = RefundUpdated | DisputeUpdated | PaymentFailed | InvoicePaymentFailed


class _OnlyLooked(Exception):
    """Nothing is to be written: the transaction is aborted."""


async def enter(
    origin: Origin,
    fact: Fact,
    payment: ReportedPayment | None,
    now: datetime,
    *,
    dry_run: bool,
) -> list[Difference]:
    """Enter a fact of an event that was applied; return what of the ledger that changes.

    `payment` is what the fact reports of one, if it does. No session is moved and no message
    written. What names a payment that nobody knows is left to a replay, which waits for it. Raises
    `Unavailable`.
    """
    found: list[Difference] = []

    async def work(tx: Transaction) -> None:
        if isinstance(fact, RefundUpdated | DisputeUpdated):
            found[:] = await _returned(tx, origin, fact, now)
        elif payment is not None:
            found[:] = await _attempt(tx, fact, payment, now)
        if dry_run:
            raise _OnlyLooked

    if isinstance(fact, _ENTERED):
        with suppress(_OnlyLooked):
            await in_transaction(work)
    return found


async def _returned(
    tx: Transaction, origin: Origin, fact: RefundUpdated | DisputeUpdated, now: datetime
) -> list[Difference]:
    payment = await payments.find_reported(origin.provider, origin.account, payment_ids(fact), tx)
    if payment is None:
        return []
    if isinstance(fact, RefundUpdated):
        refund = await record_refund(tx, origin, fact, payment, now)
        await count_refund_once(tx, refund, payment, now)
        named, changed = f"{fact.provider_refund_id} refund", refund.changed
        return [Difference(named, refund.before, refund.refund.status)] if changed else []
    dispute = await record_dispute(tx, origin, fact, payment, now)
    await count_dispute_once(tx, dispute, payment, now)
    named, changed = f"{fact.provider_dispute_id} dispute", dispute.changed
    return [Difference(named, dispute.before, dispute.dispute.status)] if changed else []


async def _attempt(
    tx: Transaction, fact: Fact, reported: ReportedPayment, now: datetime
) -> list[Difference]:
    """Enter a try that failed, as one of the session that its payment belongs to."""
    attempt_id = attempt_of(fact) if isinstance(fact, PaymentFact | InvoiceFact) else None
    key = (reported.provider, reported.account, reported.provider_payment_id)
    payment = await payments.find(*key, tx)
    if payment is None or attempt_id is None:
        return []
    failed = structs.replace(
        reported,
        merchant_id=payment.merchant_id,
        session_id=payment.session_id,
        user_id=payment.user_id,
    )
    if not await record_attempt(tx, failed, attempt_id, now):
        return []
    return [Difference(f"{attempt_id} attempt", None, "failed")]
