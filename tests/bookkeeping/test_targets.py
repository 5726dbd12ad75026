"""What should stand on the accounts for one row, by its state alone. No database."""

from typing import Any

import pytest

from service.bookkeeping.operations.targets import (
    dispute_target,
    payment_target,
    refund_target,
    was_sale,
)
from service.payments.disputes.documents import Dispute, MovementPart
from service.payments.disputes.states import DisputeStatus
from service.payments.entries.states import unbalanced
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus

CAME = {PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED}
SALE = {("clearing:razorpay", "INR"): 1000, ("sales", "INR"): -1000}


def _payment(**fields: Any) -> Payment:
    given = {"provider": "razorpay", "provider_payment_id": "pay_1", "aliases": [], "details": {}}
    given |= {"amount": 1000, "currency": "INR", "status": PaymentStatus.SUCCEEDED}
    return Payment.model_construct(None, **{**given, **fields})


def _dispute(status: DisputeStatus, deducted: int | None, **fields: Any) -> Dispute:
    given = {"status": status, "movements": [], "deducted": deducted, "currency": "INR"}
    return Dispute.model_construct(None, **{**given, **fields})


def _refund(status: RefundStatus, **fields: Any) -> Refund:
    given = {"amount": 300, "currency": "INR", "status": status, "void": False}
    return Refund.model_construct(None, **{**given, **fields})


@pytest.mark.parametrize("status", PaymentStatus)
def test_only_money_that_came_stands_anywhere(status: PaymentStatus) -> None:
    found = payment_target(_payment(status=status), is_sale=True)
    assert found == (SALE if status in CAME else {})


def test_money_of_no_sale_is_in_suspense() -> None:
    found = payment_target(_payment(), is_sale=False)
    assert found == {("clearing:razorpay", "INR"): 1000, ("suspense", "INR"): -1000}


@pytest.mark.parametrize(
    ("key", "aliases", "account"),
    [
        ("hand:default:s-1", [], "clearing:hand"),
        ("hand:default:s-1", ["UTR1"], "clearing:bank"),
        ("pay_1", ["UTR1"], "clearing:razorpay"),
    ],
)
def test_money_that_was_entered_by_hand_is_at_the_bank_where_its_transfer_is_named(
    key: str, aliases: list[str], account: str
) -> None:
    payment = _payment(provider_payment_id=key, aliases=aliases)
    assert payment_target(payment, is_sale=True) == {
        (account, "INR"): 1000,
        ("sales", "INR"): -1000,
    }
    refund = _refund(RefundStatus.SUCCEEDED)
    assert refund_target(refund, payment, is_sale=True) == {
        ("refunds", "INR"): 300,
        (account, "INR"): -300,
    }


@pytest.mark.parametrize(
    ("details", "posted"),
    [
        (
            {"fee": 24, "feeCurrency": "INR"},
            {("clearing:razorpay", "INR"): 976, ("fees", "INR"): 24},
        ),
        (
            {"fee": 24, "feeCurrency": "USD"},
            {("clearing:razorpay", "USD"): -24, ("fees", "USD"): 24},
        ),
        ({"fee": 24}, {}),  # of which currency, nobody said
        ({"feeCurrency": "INR"}, {}),
    ],
)
def test_a_fee_is_taken_from_the_provider_s_account_in_its_own_currency(
    details: dict[str, object], posted: dict[tuple[str, str], int]
) -> None:
    assert payment_target(_payment(details=details), is_sale=True) == SALE | posted


@pytest.mark.parametrize("status", RefundStatus)
@pytest.mark.parametrize("is_sale", [True, False])
def test_a_refund_moves_money_once_it_is_at_its_provider(
    status: RefundStatus, is_sale: bool
) -> None:
    target = refund_target(_refund(status), _payment(), is_sale=is_sale)
    to = "refunds" if is_sale else "suspense"
    expected = {
        RefundStatus.PROCESSING: {(to, "INR"): 300, ("refunds_in_transit", "INR"): -300},
        RefundStatus.SUCCEEDED: {(to, "INR"): 300, ("clearing:razorpay", "INR"): -300},
    }
    assert target == expected.get(status, {})
    assert refund_target(_refund(status, void=True), _payment(), is_sale=is_sale) == {}


@pytest.mark.parametrize("status", DisputeStatus)
def test_a_dispute_s_lines_balance_in_each_currency(status: DisputeStatus) -> None:
    movements = [
        MovementPart(id="txn_1", amount=-1000, currency="USD", fee=1500),
        MovementPart(id="txn_2", amount=-900, currency="EUR", fee=0),
    ]
    target = dispute_target(_dispute(status, None, movements=movements), _payment())
    assert unbalanced(target) == {}
    gone = "dispute_losses" if status is DisputeStatus.LOST else "dispute_holds"
    assert target == {
        (gone, "USD"): 1000,
        ("fees", "USD"): 1500,
        ("clearing:razorpay", "USD"): -2500,
        (gone, "EUR"): 900,
        ("clearing:razorpay", "EUR"): -900,
    }


@pytest.mark.parametrize("status", DisputeStatus)
def test_what_a_provider_says_that_it_deducted_is_held_lost_or_back(status: DisputeStatus) -> None:
    back = status in {DisputeStatus.WON, DisputeStatus.CLOSED}
    gone = "dispute_losses" if status is DisputeStatus.LOST else "dispute_holds"
    taken = {(gone, "INR"): 400, ("clearing:razorpay", "INR"): -400}
    assert dispute_target(_dispute(status, 400), _payment()) == ({} if back else taken)
    assert dispute_target(_dispute(status, None), _payment()) == {}
    assert dispute_target(_dispute(status, 0), _payment()) == {}


def test_what_paid_back_a_lost_dispute_is_posted_there_and_not_as_a_refund() -> None:
    by = _refund(RefundStatus.SUCCEEDED, by_dispute="disp_1")
    assert refund_target(by, _payment(), is_sale=True) == {}
    assert refund_target(_refund(RefundStatus.SUCCEEDED), _payment(), is_sale=True) != {}


def test_a_payment_was_a_sale_where_it_stands_among_the_sales() -> None:
    assert was_sale(SALE)
    assert not was_sale({("clearing:razorpay", "INR"): 1000, ("suspense", "INR"): -1000})
    assert not was_sale({})
