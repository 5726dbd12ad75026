"""Facts from refunds and disputes (https://docs.stripe.com/api/refunds, /api/disputes).

Both name their payment by its intent and its charge; one of a subscription's is keyed by its
invoice, which neither of them names.
"""

from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.facts import (
    DisputeStatus,
    DisputeUpdated,
    Fact,
    Movement,
    RefundUpdated,
    Subject,
)
from service.providers.reading import (
    distinct,
    entries,
    inner,
    needed_amount,
    needed_text,
    our_refund_id,
    text,
    whole,
    word,
)
from service.providers.stripe.reading import currency, moment, reference, subject_of

_REQUIRES_ACTION = "requires_action"

# An appeal asks the bank again about a dispute that was lost; one that was prevented was settled
# with the bank before it became one.
_DISPUTES: dict[str, DisputeStatus] = {
    "warning_needs_response": "inquiry",
    "warning_under_review": "inquiry",
    "warning_closed": "closed",
    "prevented": "closed",
    "needs_response": "needs_response",
    "appeal_needs_response": "needs_response",
    "under_review": "under_review",
    "appeal_under_review": "under_review",
    "won": "won",
    "lost": "lost",
}


def payment_subject(source: JsonObject) -> Subject:
    """Return the ids of a refund, dispute or charge: the payment that it belongs to."""
    return subject_of(
        inner(source, "metadata"), object_ids=distinct(reference(source, "payment_intent"))
    )


def refund_updated(refund: JsonObject) -> tuple[Fact, ...]:
    """Read the state of a refund."""
    return (_refund(refund, voids=False),)


def charge_refunded(charge: JsonObject) -> tuple[Fact, ...]:
    """Read the refunds within a charge; API versions since 2022-11-15 leave them out.

    One of a charge that was never captured lets go of what was held.
    """
    voids = charge.get("captured") is False
    refunds = entries(inner(charge, "refunds"), "data")
    return tuple(_refund(refund, voids=voids) for refund in refunds)


def dispute_updated(dispute: JsonObject) -> tuple[Fact, ...]:
    """Read the state of a dispute. Raises `MalformedBody` for a word that nobody knows."""
    said = needed_text(dispute, "status")
    status = _DISPUTES.get(said)
    if status is None:
        raise MalformedBody(f"The dispute has the status {said!r}.")
    ids, evidence = _payment_ids(dispute), inner(dispute, "evidence_details")
    used = inner(dispute, "payment_method_details")
    refundable = dispute.get("is_charge_refundable")
    return (
        DisputeUpdated(
            provider_dispute_id=needed_text(dispute, "id"),
            provider_payment_id=ids[0] if ids else None,
            amount=needed_amount(dispute, "amount"),
            currency=currency(dispute),
            status=status,
            reason=text(dispute, "reason"),
            respond_by=moment(evidence, "due_by"),
            charge_id=reference(dispute, "charge"),
            opened_at=moment(dispute, "created"),
            payment_ids=ids,
            provider_status=said,
            phase=word(inner(used, text(used, "type") or ""), "case_type"),
            inquiry=said.startswith("warning_"),
            is_charge_refundable=refundable if isinstance(refundable, bool) else None,
            movements=tuple(map(_movement, entries(dispute, "balance_transactions"))),
            evidence_submitted=(whole(evidence, "submission_count") or 0) > 0,
        ),
    )


def _refund(refund: JsonObject, *, voids: bool) -> RefundUpdated:
    status = needed_text(refund, "status")
    # `requires_action`: the customer has yet to claim the money, so it is on its way.
    waits = status == _REQUIRES_ACTION
    ids = _payment_ids(refund)
    return RefundUpdated(
        provider_refund_id=needed_text(refund, "id"),
        provider_payment_id=ids[0] if ids else None,
        amount=needed_amount(refund, "amount"),
        currency=currency(refund),
        status="pending" if waits else status,
        reason=text(refund, "reason"),
        charge_id=reference(refund, "charge"),
        bank_reference=_bank_reference(refund),
        made_at=moment(refund, "created"),
        refund_id=our_refund_id(inner(refund, "metadata"), "refundId"),
        payment_ids=ids,
        failure_code=word(refund, "failure_reason"),
        pending_reason=status if waits else word(refund, "pending_reason"),
        voids=voids,
    )


def _movement(booked: JsonObject) -> Movement:
    """Read a balance transaction. Raises `MalformedBody`: a sum that lacks one is no sum."""
    amount = whole(booked, "amount")
    if amount is None:
        raise MalformedBody("A balance transaction of the dispute has no amount.")
    return Movement(
        id=needed_text(booked, "id"),
        amount=amount,
        currency=currency(booked),
        fee=whole(booked, "fee") or 0,
        at=moment(booked, "created"),
    )


def _payment_ids(source: JsonObject) -> tuple[str, ...]:
    return distinct(reference(source, "payment_intent"), reference(source, "charge"))


def _bank_reference(refund: JsonObject) -> str | None:
    """Return the bank's number of a refund, which comes days after it (a card's ARN, a UTR)."""
    sent_to = inner(refund, "destination_details")
    return word(inner(sent_to, text(sent_to, "type") or ""), "reference")
