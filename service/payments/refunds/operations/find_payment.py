"""Find the payment that is to be refunded."""

from collections.abc import Sequence

from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME
from service.payments.refunds import repository
from service.payments.refunds.errors import (
    NothingPaid,
    PaymentNotFound,
    RefundOfRefund,
    WhichPayment,
)
from service.payments.refunds.operations.rules import left_of
from service.storage.answering import answers_in_time
from service.storage.transaction import Transaction


async def find_payment(merchant_id: str, any_id: str, user_id: str | None = None) -> Payment:
    """Find a merchant's payment, or a user's own, by any id, ours or a provider's.

    Raises `PaymentNotFound`, `RefundOfRefund` for the id of a refund, and `WhichPayment` for one
    that several have in common.
    """
    async with answers_in_time():
        found = await payments.find_by_any_id(merchant_id, any_id)
        refunds = [] if found else await repository.find_by_any_id(merchant_id, any_id)
    own = _of_user(found, user_id)
    if refunds and user_id in {None, refunds[0].user_id}:
        raise RefundOfRefund(any_id, refunds[0].payment_id)
    if not own:
        raise PaymentNotFound(any_id)
    # An alias may be what somebody typed who settled another session by hand.
    named = [one for one in own if any_id in {str(one.id), one.provider_payment_id}]
    return _only(named or own, any_id)


async def find_paid(merchant_id: str, session_id: str, user_id: str | None = None) -> Payment:
    """Find the payment of a session that can be refunded, of a user's own only.

    Raises `PaymentNotFound` where none is known, `NothingPaid` where none succeeded, and
    `WhichPayment` where several did.
    """
    async with answers_in_time():
        found = await payments.of_session(merchant_id, session_id)
    own = _of_user(found, user_id)
    if not own:
        raise PaymentNotFound(session_id)
    paid = [one for one in own if one.status in CAME]
    if not paid:
        raise NothingPaid(
            f"Nothing was paid in session {session_id!r}: its last payment is {own[-1].status}."
        )
    return _only([one for one in paid if left_of(one)] or paid[-1:], session_id)


async def read_payment(tx: Transaction, payment_id: str) -> Payment:
    """Return a payment as it is within a transaction. Raises `PaymentNotFound`."""
    found = await payments.find_by_key(payment_id, tx)
    if found is None:
        raise PaymentNotFound(payment_id)
    return found


def _of_user(found: Sequence[Payment], user_id: str | None) -> list[Payment]:
    return [one for one in found if user_id is None or one.is_own(user_id)]


def _only(found: Sequence[Payment], named: str) -> Payment:
    if len(found) > 1:
        raise WhichPayment(named, [str(one.id) for one in found])
    return found[0]
