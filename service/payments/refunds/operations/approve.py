"""Approve or deny what was requested: the money is reserved before anybody is asked to move it."""

from datetime import timedelta

from msgspec import Struct

from service.core.errors import Busy
from service.core.principal import Principal
from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import (
    AlreadyDecided,
    MoreThanRequested,
    OwnRequest,
    ReferenceUsed,
    RefundNotFound,
    wrong_field,
)
from service.payments.refunds.operations.find_payment import read_payment
from service.payments.refunds.operations.record import derive
from service.payments.refunds.operations.rules import RefundRules, amount_of, is_by_hand
from service.payments.refunds.operations.writing import Doing, decide
from service.payments.refunds.states import RefundStatus
from service.storage.database import Row
from service.storage.transaction import Transaction

REFUND = "provider.refund"
"""The topic of the message that has a provider asked for a refund."""

# Whoever approves while a caller waits asks the provider at once; the outbox comes after that.
HEAD_START = timedelta(seconds=10)


class Approval(Struct, frozen=True):
    """What is approved, and why: `amount` None is all that was requested.

    `bank_reference` is that of a transfer by hand.
    """

    amount: int | None = None
    reason: str | None = None
    bank_reference: str | None = None


async def approve_requested(
    doing: Doing, refund_id: str, approval: Approval, rules: RefundRules
) -> Refund:
    """Approve a refund that was requested. Raises `RefundNotFound`, and as `approve` does."""
    refund = await _find(doing, refund_id)
    payment = await read_payment(doing.tx, refund.payment_id)
    return await approve(doing, refund, payment, approval, rules)


async def deny_requested(doing: Doing, refund_id: str, reason: str | None) -> Refund:
    """Deny a refund that was requested: nothing was reserved, so nothing is freed.

    Raises `RefundNotFound` and `AlreadyDecided`.
    """
    refund = await _find(doing, refund_id)
    return await decide(doing, refund, RefundStatus.DENIED, {}, reason)


async def approve(
    doing: Doing, refund: Refund, payment: Payment, approval: Approval, rules: RefundRules
) -> Refund:
    """Reserve the money and write the message that has the provider asked for it.

    One by hand has been made already, as its bank reference proves, and succeeds at once. Raises
    what says why it can't be refunded, `MoreThanRequested`, `OwnRequest`, and `AlreadyDecided`.
    """
    amount = refund.amount if approval.amount is None else approval.amount
    if refund.status is not RefundStatus.REQUESTED:
        raise AlreadyDecided(refund.refund_id, refund.status)
    if amount > refund.amount:
        raise MoreThanRequested(refund.amount, refund.currency)
    if rules.is_beyond_limit(payment, amount) and _is_own(refund, doing.by):
        raise OwnRequest
    by_hand = is_by_hand(payment)
    if not by_hand:
        rules.check_offered(payment)
        if approval.bank_reference is not None:
            raise wrong_field("bankReference", "is only for what is refunded by hand")
    await _reserve(doing, payment, amount)
    changes: Row = {"amount": amount}
    if by_hand:
        return await _made_by_hand(doing, refund, payment, changes, approval)
    after = await decide(doing, refund, RefundStatus.APPROVED, changes, approval.reason)
    await messages.add_once([_message(after, doing)], doing.tx)
    return after


async def _find(doing: Doing, refund_id: str) -> Refund:
    refund = await repository.find(doing.by.merchant_id, refund_id, doing.tx)
    if refund is None:
        raise RefundNotFound(refund_id)
    return refund


def _is_own(refund: Refund, by: Principal) -> bool:
    return refund.requested_by == by.label


async def _reserve(doing: Doing, payment: Payment, amount: int) -> None:
    """Reserve money of a payment that was read in the same transaction; it says why it can't be."""
    amount_of(payment, amount)
    if not await payments.reserve(payment, amount, doing.at, doing.tx):
        raise Busy("The payment is being written by others.")


async def _made_by_hand(
    doing: Doing, refund: Refund, payment: Payment, changes: Row, approval: Approval
) -> Refund:
    reference = approval.bank_reference
    if reference is None:
        raise wrong_field(
            "bankReference",
            "is required: this payment is refunded by hand, so make the transfer first and send "
            "its reference",
        )
    others = await _others(doing.tx, refund)
    for one in others:
        if one.bank_reference == reference:
            raise ReferenceUsed(reference, one.refund_id)
    changes |= {
        "bankReference": reference,
        "madeAt": doing.at,
        "eventId": f"hand:refund:{refund.refund_id}",
        "unposted": True,
    }
    after = await decide(doing, refund, RefundStatus.SUCCEEDED, changes, approval.reason)
    await derive(doing.tx, payment, [*others, after], doing.at)
    return after


async def _others(tx: Transaction, refund: Refund) -> list[Refund]:
    found = await repository.of_payment(refund.payment_id, tx)
    return [one for one in found if one.refund_id != refund.refund_id]


def _message(refund: Refund, doing: Doing) -> Row:
    return outbox.message(
        REFUND,
        refund.refund_id,
        merchant_id=refund.merchant_id,
        session_id=refund.session_id or "",
        payload={"provider": refund.provider, "refundId": refund.refund_id},
        now=doing.at,
    ) | {"heldUntil": doing.at + HEAD_START}
