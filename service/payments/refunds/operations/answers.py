"""What is kept of asking a provider for a refund; its answer itself is an event of the inbox."""

from datetime import datetime

import msgspec

from service.payments.payments.documents import Payment
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import PaymentDisputed
from service.payments.refunds.operations.find_payment import read_payment
from service.payments.refunds.operations.record import derive
from service.payments.refunds.operations.writing import Doing, keep_trail, moved, tell
from service.payments.refunds.states import RefundStatus
from service.providers.refunding import RefundRequest
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

_UNDER_WAY = RefundStatus.PROCESSING


async def begin_call(refund: Refund, request: RefundRequest, now: datetime) -> Refund | None:
    """Note that a provider is about to be asked, and for what; None where somebody else has.

    Before the call: whoever finds the row so knows that the provider may have heard of it.
    """
    changes: Row = {
        "status": _UNDER_WAY.value,
        "calledAt": now,
        "sent": msgspec.to_builtins(request),
        "attempts": 1,
        "eventId": f"hand:refund:{refund.refund_id}",
        "unposted": True,
        "updatedAt": now,
    }
    move = moved(refund.status, _UNDER_WAY, "tillgate", now)
    return await repository.move(refund, RefundStatus.APPROVED, changes, move, NO_TRANSACTION)


async def note_repetition(refund: Refund, now: datetime) -> Refund | None:
    """Note that a provider is about to be asked again; None where its answer has come since."""
    changes: Row = {"attempts": refund.attempts + 1, "updatedAt": now}
    return await repository.change_unanswered(refund, changes, NO_TRANSACTION)


async def leave_to_person(refund: Refund, why: str, now: datetime) -> None:
    """Have a person look at a refund of which nobody can tell whether it was made."""
    changes: Row = {"needsPerson": why, "updatedAt": now}
    await repository.change_unanswered(refund, changes, NO_TRANSACTION)


async def withhold(tx: Transaction, refund: Refund, now: datetime) -> None:
    """Fail a refund that was approved, since a dispute has taken hold of its money meanwhile."""
    payment = await read_payment(tx, refund.payment_id)
    words = PaymentDisputed().message
    changes = _failed(PaymentDisputed.code, words, now)
    move = moved(refund.status, RefundStatus.FAILED, "tillgate", now, words)
    after = await repository.move(refund, RefundStatus.APPROVED, changes, move, tx)
    if after is not None:
        await _free(tx, payment, after, now)


async def note_refusal(
    tx: Transaction, refund: Refund, code: str, words: str, now: datetime
) -> None:
    """Fail a refund that its provider refuses for good, and free what was reserved for it."""
    await _fail(tx, refund, code, words, by=refund.provider, now=now)


async def give_up(doing: Doing, refund: Refund, reason: str | None) -> None:
    """Fail a refund of which its provider knows nothing, as a person has decided."""
    words = "It was given up: its provider knows of no such refund."
    after = await _fail(doing.tx, refund, "given_up", words, by=doing.by.label, now=doing.at)
    if after is not None:
        await keep_trail(doing, after, reason)


async def _fail(
    tx: Transaction, refund: Refund, code: str, words: str, *, by: str, now: datetime
) -> Refund | None:
    """Fail a refund unless its provider has reported it meanwhile.

    No fact says so, so the row keeps no place of it: whatever is reported after all overrules it.
    """
    payment = await read_payment(tx, refund.payment_id)
    move = moved(_UNDER_WAY, RefundStatus.FAILED, by, now, words)
    after = await repository.change_unanswered(refund, _failed(code, words, now), tx, move)
    if after is not None:
        await _free(tx, payment, after, now)
    return after


def _failed(code: str, words: str, now: datetime) -> Row:
    return {
        "status": RefundStatus.FAILED.value,
        "failureCode": code,
        "failureMessage": words,
        "unposted": True,
        "updatedAt": now,
    }


async def _free(tx: Transaction, payment: Payment, failed: Refund, now: datetime) -> None:
    """Free what was reserved for a refund that has failed."""
    siblings = await repository.of_payment(failed.payment_id, tx)
    others = [one for one in siblings if one.refund_id != failed.refund_id]
    await derive(tx, payment, [*others, failed], now)
    await tell(tx, failed, now)
