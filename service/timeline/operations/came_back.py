"""The lines of refunds and disputes: each of their moves, at the moment when it was. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from service.core.strict_json import JsonObject
from service.core.words import moment
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.refunds.documents import Refund, RefundMove
from service.payments.refunds.states import RefundStatus
from service.providers.actors import actor
from service.timeline.operations.entry import Entry, Tone, what_is_known
from service.timeline.operations.ledger import price, why_not_made

_REFUNDS: Mapping[RefundStatus, Tone] = {
    RefundStatus.REQUESTED: "info",
    RefundStatus.DENIED: "warn",
    RefundStatus.SUCCEEDED: "good",
    RefundStatus.CANCELED: "warn",
    RefundStatus.FAILED: "bad",
}

_STANDS: Mapping[DisputeStatus, str] = {
    DisputeStatus.INQUIRY: "the bank asks about it, no money is taken",
    DisputeStatus.NEEDS_RESPONSE: "it needs an answer",
    DisputeStatus.UNDER_REVIEW: "the bank decides",
    DisputeStatus.CLOSED: "closed, it came to nothing",
    DisputeStatus.WON: "won, the money is yours",
    DisputeStatus.LOST: "lost, the money is gone",
}
_ASKS = frozenset({DisputeStatus.INQUIRY, DisputeStatus.NEEDS_RESPONSE})

_DISPUTES: Mapping[DisputeStatus, Tone] = {
    DisputeStatus.INQUIRY: "info",
    DisputeStatus.NEEDS_RESPONSE: "warn",
    DisputeStatus.WON: "good",
    DisputeStatus.LOST: "bad",
}


def lines_of_refunds(refunds: Iterable[Refund]) -> Iterator[Entry]:
    """Return a line for each move of each refund."""
    for refund in refunds:
        for move in refund.history:
            tone = _REFUNDS.get(move.to, "")
            yield Entry(move.at, "refund", _refund(refund, move), _of_refund(refund, move), tone)


def lines_of_disputes(disputes: Iterable[Dispute]) -> Iterator[Entry]:
    """Return a line for each move of each dispute; the last one has the deadline."""
    for dispute in disputes:
        amount = price(dispute.amount, dispute.provider, dispute.currency)
        for number, move in enumerate(dispute.history, 1):
            is_last = number == len(dispute.history)
            stands = standing_of(dispute) if is_last else _STANDS[move.to]
            summary = f"Dispute of {amount}: {stands}"
            detail: JsonObject = {
                "providerDisputeId": dispute.provider_dispute_id,
                "providerPaymentId": dispute.provider_payment_id,
                "reason": dispute.reason,
                "by": move.by,
                "eventId": move.event_id,
            }
            tone = _DISPUTES.get(move.to, "")
            yield Entry(move.at, "dispute", summary, what_is_known(detail), tone)


def standing_of(dispute: Dispute) -> str:
    """Return where a dispute stands, in words, with the deadline where it waits for us."""
    stands = _STANDS[dispute.status]
    if dispute.status in _ASKS and dispute.respond_by is not None:
        return f"{stands}; answer by {moment(dispute.respond_by)}"
    return stands


def _refund(refund: Refund, move: RefundMove) -> str:
    before = f"from {move.from_} " if move.from_ else ""
    summary = f"{_name(refund, move)}: {before}to {move.to} by {actor(move.by)}"
    if move.to is RefundStatus.FAILED:
        return f"{summary}: {why_not_made(refund)}"
    return f"{summary}: {move.reason}" if move.reason else summary


def _name(refund: Refund, move: RefundMove) -> str:
    """Name a refund by its amount; what was requested may have been more than was approved."""
    decided = refund.admin_user_id is not None and move.to is RefundStatus.REQUESTED
    void = "Void" if refund.void else "Refund"
    return void if decided else f"{void} of {_amount(refund)}"


def _amount(refund: Refund) -> str:
    return price(refund.amount, refund.provider, refund.currency)


def _of_refund(refund: Refund, move: RefundMove) -> JsonObject:
    detail: JsonObject = {
        "refundId": refund.refund_id,
        "providerRefundId": refund.provider_refund_id,
        "providerPaymentId": refund.provider_payment_id,
        "reason": move.reason,
        "by": move.by,
        "eventId": move.event_id,
    }
    if move.to is refund.status:
        detail |= {
            "bankReference": refund.bank_reference,
            "pendingReason": refund.pending_reason,
            "failureCode": refund.failure_code,
            "failureMessage": refund.failure_message,
        }
    return what_is_known(detail)
