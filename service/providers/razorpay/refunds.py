"""Facts from refunds and disputes (https://razorpay.com/docs/api/refunds, /api/disputes).

A webhook brings the payment beside them, which names its order; an answer brings none.
"""

from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.facts import DisputeStatus, DisputeUpdated, RefundUpdated
from service.providers.razorpay.entities import bank_reference, made_at, moment, was_captured
from service.providers.reading import (
    amount,
    distinct,
    inner,
    needed_amount,
    needed_text,
    our_refund_id,
    text,
    whole,
    word,
)

_REFUNDS = {"processed": "succeeded", "failed": "failed"}
_DISPUTES: dict[str, DisputeStatus] = {
    "open": "needs_response",
    "under_review": "under_review",
    "won": "won",
    "lost": "lost",
    "closed": "closed",
}
# The bank asks for documents, or tells of a suspicion: nothing was charged back yet.
_INQUIRIES = frozenset({"retrieval", "fraud"})
_UNDECIDED = frozenset({"needs_response", "under_review"})


def refund_of(entity: JsonObject, payment: JsonObject) -> RefundUpdated:
    """Read a refund, with its payment or an empty object. Raises `MalformedBody`.

    A payment that was held and never captured is given back by Razorpay itself: that is no refund
    of ours.
    """
    notes = inner(entity, "notes")
    return RefundUpdated(
        provider_refund_id=needed_text(entity, "id"),
        provider_payment_id=text(entity, "payment_id"),
        amount=needed_amount(entity),
        currency=needed_text(entity, "currency").upper(),
        status=_REFUNDS.get(text(entity, "status") or "", "pending"),
        bank_reference=bank_reference(entity),
        made_at=made_at(entity),
        refund_id=our_refund_id(notes, "refundId") or our_refund_id(entity, "receipt"),
        payment_ids=_payment_ids(entity, payment),
        failure_code=word(entity, "error_reason") or word(entity, "error_code"),
        failure_message=text(entity, "error_description"),
        voids="captured" in payment and not was_captured(payment),
    )


def is_of(entity: JsonObject, refund_id: str) -> bool:
    """Return whether a refund was asked for under an id of ours."""
    return refund_id in (text(inner(entity, "notes"), "refundId"), text(entity, "receipt"))


def dispute_of(entity: JsonObject, payment: JsonObject) -> DisputeUpdated:
    """Read a dispute, with its payment or an empty object. Raises `MalformedBody`."""
    said, phase = needed_text(entity, "status"), word(entity, "phase")
    status = _DISPUTES.get(said)
    if status is None:
        raise MalformedBody(f"The dispute has the status {said!r}.")
    inquiry = phase in _INQUIRIES
    submitted = whole(inner(entity, "evidence"), "submitted_at")
    return DisputeUpdated(
        provider_dispute_id=needed_text(entity, "id"),
        provider_payment_id=text(entity, "payment_id"),
        amount=needed_amount(entity),
        currency=needed_text(entity, "currency").upper(),
        status="inquiry" if inquiry and status in _UNDECIDED else status,
        reason=text(entity, "reason_code"),
        respond_by=moment(entity, "respond_by"),
        opened_at=made_at(entity),
        payment_ids=_payment_ids(entity, payment),
        provider_status=said,
        phase=phase,
        inquiry=inquiry,
        deducted=amount(entity, "amount_deducted"),
        evidence_submitted=bool(submitted) or said == "under_review",
    )


def _payment_ids(entity: JsonObject, payment: JsonObject) -> tuple[str, ...]:
    """Return the payment's id, and its order's where the payment is that of the entity."""
    payment_id = text(entity, "payment_id")
    is_its = payment_id is not None and text(payment, "id") == payment_id
    return distinct(payment_id, text(payment, "order_id") if is_its else None)
