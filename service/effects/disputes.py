"""What the facts about a dispute write: its row, and what it holds of its payment."""

from typing import assert_never

from msgspec import structs

from service.core.strict_json import JsonObject
from service.effects.applying import Applying, Taken
from service.effects.ledger import find_payment, origin_of, tell
from service.effects.lost_disputes import count_dispute_once
from service.payments.disputes.operations.record import RecordedDispute, record_dispute
from service.providers.facts import DisputeFact, DisputeUpdated


async def record_fact(doing: Applying, fact: DisputeFact) -> Taken:
    """Write what is reported of a dispute into its row, once its payment is known."""
    match fact:
        case DisputeUpdated():
            pass
        case _:
            assert_never(fact)
    payment, ids = await find_payment(doing, fact)
    if payment is None:
        return Taken(missing=ids)
    recorded = await record_dispute(doing.tx, origin_of(doing.event), fact, payment, doing.cause.at)
    await count_dispute_once(doing.tx, recorded, payment, doing.cause.at)
    if recorded.before is not recorded.dispute.status:
        await _tell(doing, recorded)
    return Taken(payment=payment)


async def _tell(doing: Applying, recorded: RecordedDispute) -> None:
    dispute = recorded.dispute
    payload: JsonObject = {
        "disputeId": dispute.provider_dispute_id,
        "paymentId": dispute.payment_id,
        "amount": dispute.amount,
        "currency": dispute.currency,
        "status": dispute.status.value,
        "held": dispute.held,
        "respondBy": dispute.respond_by.isoformat() if dispute.respond_by else None,
    }
    doing = structs.replace(doing, merchant_id=dispute.merchant_id)
    topic = f"dispute.{dispute.status.value}"
    await tell(doing, topic, dispute.provider_dispute_id, dispute.session_id, payload)
