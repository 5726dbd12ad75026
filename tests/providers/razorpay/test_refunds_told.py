"""What Razorpay tells of refunds and disputes: our own id, the order, what was deducted."""

import pytest

from service.providers.facts import DisputeUpdated, Fact, RefundUpdated, Unreadable
from tests.providers.razorpay.case import SAMPLES
from tests.providers.razorpay.test_translate import changed, verified

OURS = "rf-0123456789abcdef"
PAY, ORDER = "pay_DESlfW9H8K9uqM", "order_DESlLckIVRkHWj"


def refund_in(body: bytes) -> RefundUpdated:
    """Return the one refund of a webhook."""
    (fact,) = verified(body).facts
    assert isinstance(fact, RefundUpdated)
    return fact


def dispute_in(body: bytes) -> DisputeUpdated:
    """Return the one dispute of a webhook."""
    (fact,) = verified(body).facts
    assert isinstance(fact, DisputeUpdated)
    return fact


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"notes": {"refundId": OURS}}, OURS),
        ({"notes": [], "receipt": OURS}, OURS),
        ({"notes": None, "receipt": None}, None),
        ({"notes": {"refundId": "1"}, "receipt": "order 7"}, None),
    ],
)
def test_our_id_comes_back_in_the_notes_or_as_the_receipt(
    fields: dict[str, object], expected: str | None
) -> None:
    assert refund_in(changed("refund.processed", "refund", **fields)).refund_id == expected


def test_a_payment_is_named_by_its_id_and_its_order() -> None:
    assert refund_in(SAMPLES["refund.created"]).payment_ids == (PAY, ORDER)
    other = changed("refund.created", "payment", id="pay_other")
    assert refund_in(other).payment_ids == (PAY,)


@pytest.mark.parametrize(
    ("payment", "voids"),
    [
        ({"status": "refunded", "captured": False}, True),
        ({"status": "authorized", "captured": False}, True),
        ({"status": "refunded", "captured": None}, True),
        ({"status": "refunded", "captured": True}, False),
        ({"status": "refunded", "captured": "1"}, False),
        ({"status": "captured", "captured": False}, False),
    ],
)
def test_a_refund_of_a_payment_that_was_never_captured_voids_it(
    payment: dict[str, object], voids: bool
) -> None:
    assert refund_in(changed("refund.processed", "payment", **payment)).voids is voids


def test_a_refund_that_says_why_it_failed_is_understood() -> None:
    said = {"error_reason": "bank_account_closed", "error_description": "The account is closed."}
    fact = refund_in(changed("refund.failed", "refund", **said))
    assert (fact.failure_code, fact.failure_message) == tuple(said.values())
    assert refund_in(SAMPLES["refund.failed"]).failure_code is None


@pytest.mark.parametrize(
    ("change", "status", "said", "deducted"),
    [
        ("created", "needs_response", "open", 0),
        ("action_required", "needs_response", "open", 0),
        ("under_review", "under_review", "under_review", 0),
        ("won", "won", "won", 0),
        ("lost", "lost", "lost", 29900),
        ("closed", "closed", "closed", 0),
    ],
)
def test_a_dispute_stands_in_a_neutral_state(
    change: str, status: str, said: str, deducted: int
) -> None:
    fact = dispute_in(SAMPLES[f"payment.dispute.{change}"])
    assert (fact.status, fact.provider_status, fact.deducted) == (status, said, deducted)
    assert (fact.payment_ids, fact.phase, fact.inquiry) == ((PAY, ORDER), "chargeback", False)
    assert fact.evidence_submitted is (change == "under_review")


@pytest.mark.parametrize("phase", ["retrieval", "fraud"])
def test_a_bank_that_only_asks_makes_an_inquiry(phase: str) -> None:
    asked = dispute_in(changed("payment.dispute.created", "dispute", phase=phase))
    assert (asked.status, asked.phase, asked.inquiry) == ("inquiry", phase, True)
    ended = dispute_in(changed("payment.dispute.closed", "dispute", phase=phase))
    assert (ended.status, ended.inquiry) == ("closed", True)


@pytest.mark.parametrize("phase", ["pre_arbitration", "arbitration"])
def test_a_later_phase_is_no_inquiry(phase: str) -> None:
    fact = dispute_in(changed("payment.dispute.created", "dispute", phase=phase))
    assert (fact.status, fact.inquiry) == ("needs_response", False)


def test_a_state_that_nobody_knows_is_kept_unread() -> None:
    body = changed("payment.dispute.created", "dispute", status="escalated")
    facts: tuple[Fact, ...] = verified(body).facts
    assert [type(fact) for fact in facts] == [Unreadable]
