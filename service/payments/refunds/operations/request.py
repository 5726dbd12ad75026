"""Request a refund, or make one at once where the limit allows it."""

from typing import Final

from msgspec import Struct

from service.core.errors import PayloadDiffers
from service.core.ids import new_refund_id, refund_id_from
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import AlreadyRequested, TooManyRequested, wrong_field
from service.payments.refunds.operations.approve import Approval, approve
from service.payments.refunds.operations.find_payment import read_payment
from service.payments.refunds.operations.rules import (
    RefundRules,
    amount_of,
    is_by_hand,
    left_of,
)
from service.payments.refunds.operations.writing import Doing, keep_trail, moved, tell
from service.payments.refunds.states import RefundStatus, Source
from service.storage.transaction import Transaction

MOST_OPEN: Final = 10
"""How many requests for refunds of one payment may wait at once: people read each of them."""


class Wanted(Struct, frozen=True):
    """What somebody wants back, and why: `amount` None is all that is left of the payment.

    `currency` is for callers who want to be sure of it. `seed`: the same one is the same refund.
    """

    reason: str
    source: Source
    amount: int | None = None
    currency: str | None = None
    bank_reference: str | None = None
    seed: str | None = None


async def request_refund(
    doing: Doing, payment_id: str, wanted: Wanted, rules: RefundRules
) -> Refund:
    """Write a request for somebody to approve or deny; nothing is reserved for it.

    Open requests never ask for more than is left. Raises `WindowOver`, `AlreadyRequested`,
    `TooManyRequested`, `PayloadDiffers`, and what else says why the payment can't be refunded.
    """
    payment = await read_payment(doing.tx, payment_id)
    known = await _made_before(doing, payment, wanted)
    if known is not None:
        return known
    rules.check_window(payment, doing.at)
    amount = amount_of(payment, wanted.amount, wanted.currency)
    return await _write_request(doing, payment, wanted, amount)


async def refund_at_once(
    doing: Doing, payment_id: str, wanted: Wanted, rules: RefundRules
) -> Refund:
    """Write a refund that is approved already; beyond the limit, a request for another key.

    Raises what says why the payment can't be refunded.
    """
    payment = await read_payment(doing.tx, payment_id)
    known = await _made_before(doing, payment, wanted)
    if known is not None:
        return known
    amount = amount_of(payment, wanted.amount, wanted.currency)
    if rules.is_beyond_limit(payment, amount):
        if not is_by_hand(payment):
            rules.check_offered(payment)
        if wanted.bank_reference is not None:
            raise wrong_field(
                "bankReference",
                "can't be sent by who requests: this is beyond the limit, so another key approves",
            )
        return await _write_request(doing, payment, wanted, amount)
    refund = await _insert(doing, payment, wanted, amount)
    approval = Approval(bank_reference=wanted.bank_reference)
    return await approve(doing, refund, payment, approval, rules)


async def _made_before(doing: Doing, payment: Payment, wanted: Wanted) -> Refund | None:
    """Return the refund that the same call has written, before it could answer.

    An Idempotency-Key is forgotten after a day, and a page may be gone back to: who then asks for
    something else is not told that it was done. Raises `PayloadDiffers`.
    """
    if wanted.seed is None:
        return None
    refund_id = refund_id_from(wanted.seed)
    known = await repository.find(doing.by.merchant_id, refund_id, doing.tx)
    if known is not None and not _is_same(known, payment, wanted):
        raise PayloadDiffers(
            f"The same call has asked for something else before, which is refund {refund_id}. "
            "For another refund take another Idempotency-Key, or load the page anew."
        )
    return known


def _is_same(known: Refund, payment: Payment, wanted: Wanted) -> bool:
    # A decision that came after the request may have lowered its amount.
    decided_later = known.decided_at not in {None, known.requested_at}
    lowered = wanted.amount is not None and decided_later and known.amount < wanted.amount
    as_asked = wanted.amount in {None, known.amount} or lowered
    return as_asked and (known.payment_id, known.reason) == (str(payment.id), wanted.reason)


async def _write_request(doing: Doing, payment: Payment, wanted: Wanted, amount: int) -> Refund:
    await _check_open(doing.tx, payment, amount)
    # Two requests at once must conflict, since each reads what the other asks for.
    await payments.change(payment, {"updatedAt": payment.touched_at(doing.at)}, doing.tx)
    refund = await _insert(doing, payment, wanted, amount)
    await keep_trail(doing, refund, wanted.reason)
    await tell(doing.tx, refund, doing.at)
    return refund


async def _check_open(tx: Transaction, payment: Payment, amount: int) -> None:
    siblings = await repository.of_payment(str(payment.id), tx)
    requested = [one for one in siblings if one.status is RefundStatus.REQUESTED]
    if len(requested) >= MOST_OPEN:
        raise TooManyRequested(len(requested))
    if requested and sum(one.amount for one in requested) + amount > left_of(payment):
        raise AlreadyRequested(requested[0].refund_id)


async def _insert(doing: Doing, payment: Payment, wanted: Wanted, amount: int) -> Refund:
    seed, at = wanted.seed, doing.at
    row = Refund.new_row(
        {
            "merchantId": payment.merchant_id,
            "provider": payment.provider,
            "account": payment.account,
            "live": payment.live,
            "refundId": new_refund_id() if seed is None else refund_id_from(seed),
            "paymentId": str(payment.id),
            "providerPaymentId": payment.provider_payment_id,
            "sessionId": payment.session_id,
            "userId": payment.user_id,
            "amount": amount,
            "currency": payment.currency,
            "status": RefundStatus.REQUESTED.value,
            "reason": wanted.reason,
            "source": wanted.source,
            "requestedBy": doing.by.label,
            "requestedAt": at,
            "createdAt": at,
            "updatedAt": at,
            "history": [
                moved(None, RefundStatus.REQUESTED, doing.by.label, at, wanted.reason),
            ],
        }
    )
    await repository.insert(row, doing.tx)
    refund: Refund = Refund.model_validate(row)
    return refund
