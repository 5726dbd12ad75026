"""What should stand on the accounts for a payment, a refund, a dispute, as each stands; pure."""

from collections.abc import Iterable

from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.entries.states import (
    BY_BANK,
    BY_HAND,
    DISPUTE_HOLDS,
    DISPUTE_LOSSES,
    FEES,
    REFUNDS,
    REFUNDS_IN_TRANSIT,
    SALES,
    SUSPENSE,
    Balances,
    clearing,
    total,
)
from service.payments.payments.documents import Payment
from service.payments.payments.states import CAME, HAND
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus


def payment_target(payment: Payment, *, is_sale: bool) -> Balances:
    """Return the balances of a payment: nothing unless its money came.

    What belongs to no completed session, a duplicate or what was rejected, is in suspense.
    """
    if payment.status not in CAME:
        return {}
    income = SALES if is_sale else SUSPENSE
    return total(
        (
            _moved(_clearing_of(payment), income, payment.amount, payment.currency),
            _fee(payment),
        )
    )


def refund_target(refund: Refund, payment: Payment, *, is_sale: bool) -> Balances:
    """Return the balances of a refund: it is in transit until its provider says that it succeeded.

    A void moved no money, and what paid back a lost dispute is posted there.
    """
    if refund.void or refund.by_dispute is not None:
        return {}
    given_back = REFUNDS if is_sale else SUSPENSE
    match refund.status:
        case RefundStatus.PROCESSING:
            return _moved(given_back, REFUNDS_IN_TRANSIT, refund.amount, refund.currency)
        case RefundStatus.SUCCEEDED:
            return _moved(given_back, _clearing_of(payment), refund.amount, refund.currency)
        case _:
            return {}


def dispute_target(dispute: Dispute, payment: Payment) -> Balances:
    """Return the balances of a dispute: what it withdrew is held until it is lost, or comes back.

    By its movements where the provider names them, in their own currency; else by what it says
    that it has taken, which it returns where the dispute is not lost.
    """
    account = _clearing_of(payment)
    gone = DISPUTE_LOSSES if dispute.status is DisputeStatus.LOST else DISPUTE_HOLDS
    if dispute.movements:
        return total(
            balances
            for one in dispute.movements
            for balances in (
                _moved(gone, account, -one.amount, one.currency),
                _moved(FEES, account, one.fee, one.currency),
            )
        )
    if dispute.status in {DisputeStatus.WON, DisputeStatus.CLOSED}:
        return {}
    return total([_moved(gone, account, dispute.deducted or 0, dispute.currency)])


def was_sale(posted: Iterable[tuple[str, str]]) -> bool:
    """Return whether a payment stands among the sales, by the accounts posted for it."""
    return any(account == SALES for account, _ in posted)


def _fee(payment: Payment) -> Balances:
    fee, currency = payment.details.get("fee"), payment.details.get("feeCurrency")
    if not isinstance(fee, int) or not isinstance(currency, str):
        return {}
    return _moved(FEES, _clearing_of(payment), fee, currency)


def _moved(to: str, from_: str, amount: int, currency: str) -> Balances:
    return {(to, currency): amount, (from_, currency): -amount}


def _clearing_of(payment: Payment) -> str:
    """Return where the money of a payment is: of one by hand, at the bank if its id is named."""
    if not payment.provider_payment_id.startswith(HAND):
        return clearing(payment.provider)
    return BY_BANK if payment.aliases else BY_HAND
