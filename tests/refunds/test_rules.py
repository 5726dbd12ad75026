"""What decides whether a payment may be refunded: each rule at its limit. No database."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.errors import TillgateError
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.errors import (
    MoreThanLeft,
    NothingPaid,
    NotOffered,
    OtherCurrency,
    PaymentDisputed,
    WindowOver,
)
from service.payments.refunds.operations.rules import (
    RefundRules,
    amount_of,
    is_by_hand,
    left_of,
)
from service.providers.base import OWN_ACCOUNT
from tests.conftest import NOON

RULES = RefundRules(timedelta(days=30), {"INR": 5000}, {"razorpay": True, "phonepe": None})


def _payment(**fields: Any) -> Payment:
    given = {"provider": "razorpay", "account": OWN_ACCOUNT, "provider_payment_id": "pay_1"}
    given |= {"amount": 10_000, "currency": "INR", "status": PaymentStatus.SUCCEEDED, "live": True}
    return Payment.model_construct(None, created_at=NOON, **{**given, **fields})


@pytest.mark.parametrize("spoken_for", ["refunded", "reserved"])
def test_what_went_back_and_what_is_on_its_way_count_towards_the_limit(spoken_for: str) -> None:
    before = _payment(**{spoken_for: 3000})
    assert not RULES.is_beyond_limit(before, 2000)
    assert RULES.is_beyond_limit(before, 2001)
    assert not RULES.is_beyond_limit(_payment(), 5000)
    assert not RULES.is_beyond_limit(_payment(currency="JPY"), 9000)  # of which none is set


def test_the_window_ends_with_its_last_moment() -> None:
    RULES.check_window(_payment(), NOON + timedelta(days=30))
    with pytest.raises(WindowOver, match="within 30 days of its payment"):
        RULES.check_window(_payment(), NOON + timedelta(days=30, milliseconds=1))


@pytest.mark.parametrize(
    "other",
    [
        {"provider": "stripe"},
        *({"account": name} for name in ("acct_2", "zoo")),
        {"live": False},
        {"live": None},
    ],
)
def test_only_a_provider_that_our_keys_reach_is_asked(other: dict[str, Any]) -> None:
    payment = _payment(**other)
    if payment.live is None:  # of rows of before nobody knows the mode
        RULES.check_offered(payment)
        return
    with pytest.raises(NotOffered):
        RULES.check_offered(payment)


def test_a_mode_that_keys_do_not_tell_is_any() -> None:
    RULES.check_offered(_payment())
    RULES.check_offered(_payment(provider="phonepe", live=False))


def test_by_hand_goes_back_what_came_by_hand_or_by_a_provider_that_no_machine_asks() -> None:
    assert not is_by_hand(_payment())
    assert is_by_hand(_payment(provider_payment_id="hand:default:s-1"))
    assert is_by_hand(_payment(provider="upi"))


@pytest.mark.parametrize(
    ("fields", "wanted", "currency", "wrong"),
    [
        ({}, 10_001, None, MoreThanLeft),
        ({"refunded": 4000, "reserved": 3000}, 3001, None, MoreThanLeft),
        ({"refunded": 4000, "reserved": 6000}, None, None, MoreThanLeft),
        ({"refunded": 4000, "reserved": 6000}, 0, None, MoreThanLeft),
        ({}, 100, "USD", OtherCurrency),
        ({"held": 1}, 100, None, PaymentDisputed),
        ({"status": PaymentStatus.REFUNDED}, 100, None, MoreThanLeft),
        ({"status": PaymentStatus.REVERSED}, 100, None, NothingPaid),
        ({"status": PaymentStatus.AUTHORIZED}, 100, None, NothingPaid),
        ({"status": PaymentStatus.FAILED}, 100, None, NothingPaid),
    ],
)
def test_each_refund_that_can_t_be_is_refused_by_its_own_error(
    fields: dict[str, Any], wanted: int | None, currency: str | None, wrong: type[TillgateError]
) -> None:
    with pytest.raises(wrong):
        amount_of(_payment(**fields), wanted, currency)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (PaymentStatus.REFUNDED, "Nothing of this payment is left to be refunded"),
        (PaymentStatus.REVERSED, "the payment itself stands in its place"),
        (PaymentStatus.PENDING, "The payment is pending: its money has not come"),
    ],
)
def test_why_money_of_a_state_can_t_go_back_is_said(status: PaymentStatus, words: str) -> None:
    with pytest.raises(TillgateError, match=words):
        amount_of(_payment(status=status), 100)


def test_control_what_is_left_may_go_back_to_the_last_unit() -> None:
    payment = _payment(refunded=4000, reserved=3000)
    assert (left_of(payment), amount_of(payment, None), amount_of(payment, 3000, "INR")) == (
        (3000,) * 3
    )
    assert left_of(_payment(refunded=9000, reserved=2000)) == 0
