"""Say what became of a session's money, and why the last try at paying failed. Pure."""

from collections.abc import Iterator

from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.payments.documents import Payment
from service.payments.payments.states import POSTED, PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from service.timeline.operations.came_back import standing_of
from service.timeline.operations.ledger import Ledger, price, why_failed, why_not_made


def last_failure(ledger: Ledger) -> str:
    """Return why the last try failed; empty where none did, or where money came after it."""
    if not ledger.failed or any(one.status in POSTED for one in ledger.payments):
        return ""
    last = max(ledger.failed, key=lambda one: (one.made_at or one.created_at, one.attempt_id))
    return f" The last try at paying failed: {why_failed(last)}."


def what_became(ledger: Ledger) -> str:
    """Return what went back of the money, is asked back or held; empty where nothing is."""
    said = [
        sentence
        for payment in ledger.payments
        for sentence in (*_refunded(payment, ledger), *_disputed(payment, ledger))
    ]
    return "".join(f" {one}" for one in said)


def _refunded(payment: Payment, ledger: Ledger) -> Iterator[str]:
    refunds = [one for one in ledger.refunds if one.payment_id == str(payment.id)]
    whole = price(payment.amount, payment.provider, payment.currency)
    if payment.status is PaymentStatus.REFUNDED or payment.refunded >= payment.amount > 0:
        yield f"All of {whole} was refunded."
    elif payment.refunded:
        back = price(payment.refunded, payment.provider, payment.currency)
        yield f"{back} of {whole} was refunded."
    if any(one.void for one in refunds):
        yield "The money was only held, and was let go."
    for refund in refunds:
        if said := _said_of(refund):
            yield said
    last = refunds[-1] if refunds else None
    if last is not None and last.status is RefundStatus.FAILED:
        yield f"A refund of {_amount(last)} failed: {why_not_made(last)}."


def _said_of(refund: Refund) -> str | None:
    """Return what is said of a refund that is still open."""
    amount = _amount(refund)
    if refund.status is RefundStatus.REQUESTED:
        return f"A refund of {amount} was requested, and waits for a decision."
    if refund.awaits_person is not None:
        return f"A refund of {amount} waits for a person: {refund.awaits_person.rstrip('.')}."
    if refund.status in {RefundStatus.APPROVED, RefundStatus.PROCESSING}:
        return f"A refund of {amount} is under way."
    return None


def _disputed(payment: Payment, ledger: Ledger) -> Iterator[str]:
    for one in ledger.disputes:
        if one.payment_id == str(payment.id):
            disputed = price(one.amount, one.provider, one.currency)
            yield f"The customer disputes {disputed}: {_standing(one)}."


def _standing(dispute: Dispute) -> str:
    stands = standing_of(dispute)
    held = dispute.held > 0 and dispute.status is not DisputeStatus.LOST
    return f"{stands}. Nothing can be refunded meanwhile" if held else stands


def _amount(refund: Refund) -> str:
    return price(refund.amount, refund.provider, refund.currency)
