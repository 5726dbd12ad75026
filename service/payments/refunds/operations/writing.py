"""What every change of a refund by hand writes: its move, the trail, and the message about it."""

from datetime import datetime

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund, RefundMove
from service.payments.refunds.errors import AlreadyDecided
from service.payments.refunds.states import RefundStatus
from service.storage.database import Row
from service.storage.transaction import Transaction


class Doing(Struct, frozen=True):
    """One change: its transaction, who makes it and when."""

    tx: Transaction
    by: Principal
    at: datetime


def moved(
    before: RefundStatus | None,
    to: RefundStatus,
    by: str,
    at: datetime,
    reason: str | None = None,
    event_id: str | None = None,
) -> Row:
    """Return a move as it is stored; `event_id` where a provider's event caused it."""
    from_ = before.value if before else None
    given: Row = {"at": at, "from": from_, "to": to.value, "by": by}
    return RefundMove.new_row(given | {"reason": reason, "eventId": event_id})


async def decide(
    doing: Doing, refund: Refund, to: RefundStatus, changes: Row, reason: str | None
) -> Refund:
    """Move a requested refund on, with an entry in the trail and a message.

    Raises `AlreadyDecided` where it is not requested any more.
    """
    fields = {
        "status": to.value,
        "decidedAt": doing.at,
        "adminUserId": doing.by.label,
        "adminReason": reason,
        "updatedAt": doing.at,
    }
    move = moved(refund.status, to, doing.by.label, doing.at, reason)
    requested = RefundStatus.REQUESTED
    after = await repository.move(refund, requested, fields | changes, move, doing.tx)
    if after is None:
        raise AlreadyDecided(refund.refund_id, refund.status)
    await keep_trail(doing, after, reason)
    await tell(doing.tx, after, doing.at)
    return after


async def keep_trail(doing: Doing, refund: Refund, reason: str | None) -> None:
    """Record what was done to a refund, and by whom."""
    detail: JsonObject = {
        "paymentId": refund.payment_id,
        "providerPaymentId": refund.provider_payment_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "source": refund.source,
    }
    if refund.bank_reference is not None:
        detail["bankReference"] = refund.bank_reference
    by_hand = refund.status is RefundStatus.SUCCEEDED
    action = f"refund.{'made_by_hand' if by_hand else refund.status}"
    act = Act(action, f"refund:{refund.refund_id}", reason, detail)
    await record(doing.tx, doing.by, act, doing.at)


def payload_of(refund: Refund) -> JsonObject:
    """Return what the messages about a refund say, whoever has changed it."""
    return {
        "refundId": refund.refund_id,
        "paymentId": refund.payment_id,
        "amount": refund.amount,
        "currency": refund.currency,
        "status": refund.status.value,
        "void": refund.void,
        "failureCode": refund.failure_code,
    }


async def tell(tx: Transaction, refund: Refund, at: datetime) -> None:
    """Write the message that a refund stands anew, where no event reports it."""
    row = outbox.message(
        f"refund.{refund.status}",
        f"{refund.merchant_id}:{refund.refund_id}:hand",
        merchant_id=refund.merchant_id,
        session_id=refund.session_id or "",
        payload=payload_of(refund),
        now=at,
    )
    await messages.add_once([row], tx)
