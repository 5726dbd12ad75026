"""What Stripe tells of refunds and disputes: our id, each id of the payment, all that moved."""

from datetime import UTC, datetime

import pytest

from service.providers.base import VerifiedEvent
from service.providers.facts import DisputeUpdated, Movement, RefundUpdated, Unreadable
from tests.providers.stripe.test_translate import CHARGE, PI, received

OURS = "rf-0123456789abcdef"
WITHDRAWN = {
    "id": "txn_1SqWithdrawn",
    "object": "balance_transaction",
    "amount": -2999,
    "created": 1791000901,
    "currency": "eur",
    "fee": 1500,
    "net": -4499,
    "type": "adjustment",
}
REINSTATED = {**WITHDRAWN, "id": "txn_1SqBack", "amount": 2999, "fee": -1500, "net": 4499}
AT = datetime(2026, 10, 3, 4, 15, 1, tzinfo=UTC)


def refund_in(event: VerifiedEvent) -> RefundUpdated:
    """Return the one refund of an event."""
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    return fact


def dispute_in(event: VerifiedEvent) -> DisputeUpdated:
    """Return the one dispute of an event."""
    (fact,) = event.facts
    assert isinstance(fact, DisputeUpdated)
    return fact


def test_our_id_comes_back_in_the_metadata() -> None:
    fact = refund_in(received("refund.created", metadata={"refundId": OURS}))
    assert fact.refund_id == OURS


@pytest.mark.parametrize(
    "sent", ["short", "x" * 39, "rf_0123456789", "", 5, None, ["rf-0123456789"]]
)
def test_what_has_not_the_shape_of_our_ids_is_somebody_else_s(sent: object) -> None:
    assert refund_in(received("refund.created", metadata={"refundId": sent})).refund_id is None


def test_a_payment_is_named_by_its_intent_and_its_charge_expanded_or_not() -> None:
    assert refund_in(received("refund.created")).payment_ids == (PI, CHARGE)
    expanded = received("refund.created", payment_intent={"id": PI}, charge={"id": CHARGE})
    assert refund_in(expanded).payment_ids == (PI, CHARGE)
    assert refund_in(received("refund.created", payment_intent=None)).payment_ids == (CHARGE,)


def test_a_refund_says_why_it_waits() -> None:
    short = received("refund.created", pending_reason="insufficient_funds")
    assert refund_in(short).pending_reason == "insufficient_funds"
    assert refund_in(received("refund.created")).pending_reason is None
    claimed = refund_in(received("refund.created", status="requires_action"))
    assert (claimed.status, claimed.pending_reason) == ("pending", "requires_action")


@pytest.mark.parametrize(("captured", "voids"), [(False, True), (True, False), (None, False)])
def test_a_refund_of_a_charge_that_was_never_captured_voids_it(
    captured: bool | None, voids: bool
) -> None:
    refund = {
        "id": "re_1",
        "amount": 2999,
        "currency": "usd",
        "status": "succeeded",
        "charge": CHARGE,
    }
    event = received("charge.refunded", captured=captured, refunds={"data": [refund]})
    assert refund_in(event).voids is voids


@pytest.mark.parametrize(
    ("said", "status", "inquiry"),
    [
        ("warning_needs_response", "inquiry", True),
        ("warning_under_review", "inquiry", True),
        ("warning_closed", "closed", True),
        ("prevented", "closed", False),
        ("needs_response", "needs_response", False),
        ("appeal_needs_response", "needs_response", False),
        ("under_review", "under_review", False),
        ("appeal_under_review", "under_review", False),
        ("won", "won", False),
        ("lost", "lost", False),
    ],
)
def test_a_dispute_stands_in_a_neutral_state(said: str, status: str, inquiry: bool) -> None:
    fact = dispute_in(received("charge.dispute.updated", status=said))
    assert (fact.status, fact.provider_status, fact.inquiry) == (status, said, inquiry)


def test_a_state_that_nobody_knows_is_kept_unread() -> None:
    event = received("charge.dispute.updated", status="escalated")
    assert [type(fact) for fact in event.facts] == [Unreadable]


def test_a_dispute_tells_all_that_moved() -> None:
    movements = [WITHDRAWN, REINSTATED]
    fact = dispute_in(received("charge.dispute.funds_reinstated", balance_transactions=movements))
    assert fact.movements == (
        Movement("txn_1SqWithdrawn", -2999, "EUR", 1500, AT),
        Movement("txn_1SqBack", 2999, "EUR", -1500, AT),
    )
    assert dispute_in(received("charge.dispute.created")).movements == ()


@pytest.mark.parametrize("changes", [{"amount": None}, {"currency": None}, {"id": None}])
def test_a_movement_that_can_not_be_read_is_never_left_out(changes: dict[str, object]) -> None:
    event = received("charge.dispute.updated", balance_transactions=[{**WITHDRAWN, **changes}])
    assert [type(fact) for fact in event.facts] == [Unreadable]


def test_a_dispute_tells_its_phase_and_what_may_be_done_about_it() -> None:
    told = dispute_in(received("charge.dispute.created"))
    assert (told.phase, told.is_charge_refundable, told.evidence_submitted) == (
        "chargeback",
        False,
        False,
    )
    assert told.payment_ids == (PI, CHARGE)
    sent = {"due_by": None, "submission_count": 1}
    asked = received(
        "charge.dispute.updated",
        is_charge_refundable=True,
        evidence_details=sent,
        payment_method_details={"type": "card", "card": {"case_type": "inquiry"}},
    )
    fact = dispute_in(asked)
    assert (fact.phase, fact.is_charge_refundable, fact.evidence_submitted) == (
        "inquiry",
        True,
        True,
    )
