"""What the facts about a refund write: its row, and what it leaves of its payment."""

from functools import partial
from typing import assert_never

from msgspec import structs

from service.effects.applying import Applied, Applying, SessionStep, Taken
from service.effects.carrying import follow, is_followed
from service.effects.ledger import find_payment, origin_of, tell
from service.effects.lost_disputes import count_refund_once
from service.effects.ownership import check_ownership
from service.effects.reviewing import foreign
from service.effects.under_way import count_under_way
from service.payments.payments.documents import Payment
from service.payments.payments.operations.record import Recorded, record_payment
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import LIVE, POSTED, PaymentStatus
from service.payments.refunds.operations.record import RecordedRefund, record_refund
from service.payments.refunds.operations.writing import payload_of
from service.providers import facts
from service.providers.facts import RefundFact, RefundUpdated
from service.sessions.documents import Session


async def record_fact(doing: Applying, session: Session | None, fact: RefundFact) -> Taken:
    """Write what is reported of a refund into its row, once its payment is known."""
    match fact:
        case RefundUpdated():
            pass
        case _:
            assert_never(fact)
    payment, ids = await find_payment(doing, fact)
    if payment is None:
        return Taken(missing=ids)
    step = await _void(doing, session, fact, payment) if fact.voids else None
    recorded = await record_refund(doing.tx, origin_of(doing.event), fact, payment, doing.cause.at)
    await count_refund_once(doing.tx, recorded, payment, doing.cause.at)
    if recorded.before is not recorded.refund.status:
        await _tell(doing, recorded)
    return Taken(step, payment)


async def _void(
    doing: Applying, session: Session | None, fact: RefundUpdated, payment: Payment
) -> SessionStep | None:
    """Cancel a payment that was never captured: no money came, so none goes back.

    What came all the same outranks it, in any order.
    """
    reported = ReportedPayment(
        merchant_id=payment.merchant_id,
        provider=payment.provider,
        account=payment.account,
        live=payment.live,
        provider_payment_id=payment.provider_payment_id,
        amount=fact.amount,
        currency=fact.currency,
        status=PaymentStatus.CANCELED,
        occurred_at=doing.event.occurred_at,
        event_id=doing.event.inbox_id,
    )
    recorded = await record_payment(doing.tx, reported, doing.cause.at)
    if is_followed(doing, reported, recorded):
        await follow(doing, reported, recorded, payment.session_id)
    if session is None:
        return None
    voided = facts.Payment(payment.provider_payment_id, fact.amount, fact.currency)
    return partial(_voided, payment=voided, recorded=recorded)


async def _voided(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Have a session wait no longer for a payment that was voided."""
    if check_ownership(doing, session, recorded, ask=False).stranger is not None:
        return Applied(session)
    if foreign(session, doing.event) or recorded.status in LIVE | POSTED:
        return Applied(session)
    return Applied(await count_under_way(doing, session, payment, recorded, {}))


async def _tell(doing: Applying, recorded: RecordedRefund) -> None:
    refund = recorded.refund
    doing = structs.replace(doing, merchant_id=refund.merchant_id)
    topic = f"refund.{refund.status.value}"
    await tell(doing, topic, refund.refund_id, refund.session_id, payload_of(refund))
