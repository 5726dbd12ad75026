"""Which refund only paid what a lost dispute took: each condition by itself. No database."""

from datetime import timedelta
from typing import Any

import pytest

from service.effects.lost_disputes import paid_back
from service.payments.disputes.documents import Dispute, MovementPart
from service.payments.disputes.states import DisputeStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from tests.conftest import NOON

PAID = {"r-1": "disp_1"}
TXN = MovementPart(id="txn_1", amount=-1000, currency="INR")


def _refund(refund_id: str = "r-1", **fields: Any) -> Refund:
    given = {"refund_id": refund_id, "amount": 1000, "currency": "INR", "made_at": NOON}
    given |= {"status": RefundStatus.SUCCEEDED, "source": "provider", "void": False}
    return Refund.model_construct(None, **{**given, **fields})


def _dispute(dispute_id: str = "disp_1", **fields: Any) -> Dispute:
    given = {"provider_dispute_id": dispute_id, "deducted": 1000, "currency": "INR"}
    given |= {"status": DisputeStatus.LOST, "movements": [], "closed_at": NOON}
    return Dispute.model_construct(None, **{**given, **fields})


def test_control_what_its_provider_made_when_the_dispute_was_lost_is_that_money() -> None:
    assert paid_back([_refund()], [_dispute()]) == PAID


@pytest.mark.parametrize("source", ["customer", "merchant", "review"])
def test_what_anybody_here_asked_for_is_not(source: str) -> None:
    assert paid_back([_refund(source=source)], [_dispute()]) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"void": True},
        {"status": RefundStatus.FAILED},
        {"status": RefundStatus.CANCELED},
        {"currency": "USD"},
        {"amount": 1001},
        {"made_at": None},
    ],
)
def test_another_refund_is_not(other: dict[str, Any]) -> None:
    assert paid_back([_refund(**other)], [_dispute()]) == {}


@pytest.mark.parametrize(
    "other",
    [
        {"status": DisputeStatus.UNDER_REVIEW},
        {"status": DisputeStatus.WON},
        {"movements": [TXN]},  # as Stripe reports it, which refunds none
        {"deducted": None},
        {"deducted": 999},
        {"closed_at": None},
    ],
)
def test_of_another_dispute_it_is_not(other: dict[str, Any]) -> None:
    assert paid_back([_refund()], [_dispute(**other)]) == {}


@pytest.mark.parametrize(
    ("after", "paid"),
    [
        (timedelta(minutes=-1, milliseconds=-1), {}),
        (timedelta(minutes=-1), PAID),
        (timedelta(days=1), PAID),
        (timedelta(days=1, milliseconds=1), {}),
    ],
)
def test_it_is_made_at_about_the_time(after: timedelta, paid: dict[str, str]) -> None:
    assert paid_back([_refund(made_at=NOON + after)], [_dispute()]) == paid


def test_each_pays_one_the_earlier_the_earlier_in_whatever_order_they_are_read() -> None:
    second = NOON + timedelta(seconds=1)
    refunds = [_refund("r-1"), _refund("r-2", made_at=second), _refund("r-3", made_at=second)]
    disputes = [_dispute("disp_1"), _dispute("disp_2", closed_at=second)]
    paid = {"r-1": "disp_1", "r-2": "disp_2"}
    assert paid_back(refunds, disputes) == paid
    assert paid_back(refunds[::-1], disputes[::-1]) == paid
