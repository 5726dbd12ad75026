"""What each decision would do, in words: whatever stands in its way, and what it does without."""

from typing import Any

import pytest

from service.inbox.documents import Decision, Doubt
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.reviews.operations.choices import Case, Choice, outlook
from service.sessions.documents import Capturing, Session
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.states import Mismatch, Status
from tests.conftest import NOON

HELD = PaymentStatus.AUTHORIZED
CAPTURES = "Captures the held money; the session is completed once that succeeds."


def _case(money: PaymentStatus, reason: str = Mismatch.AMOUNT, **session: Any) -> Case:
    """A doubt about `pay_1`, which this very session has claimed."""
    fields = {"status": Status.PENDING, "capturing": None, "refused_captures": []}
    ours = Session.model_construct(
        **fields | session, merchant_id="m", session_id="s", created_at=NOON
    )
    paid = Payment.model_construct(
        merchant_id="m", session_id="s", session_opened_at=NOON, status=money
    )
    return Case(Doubt(about="pay_1", reason=reason), ours, paid)


def test_control_held_money_that_nothing_stands_in_the_way_of_is_captured() -> None:
    ours = Capturing(payment_id="pay_1", at=NOON)
    another = _case(HELD, refused_captures=["pay_2"], capturing=ours)
    for case in (_case(HELD), another):
        look = outlook(Choice.ACCEPT, case)
        assert (look.code, look.words) == (None, CAPTURES)


@pytest.mark.parametrize(
    ("reason", "session", "words"),
    [
        (Mismatch.ACCOUNT, {}, "can't be captured from here. Reject it."),
        (Mismatch.MODE, {}, "can't be captured from here. Reject it."),
        (UNRESOLVED, {}, "Nobody could tell whether the held money can be had."),
        (
            Mismatch.AMOUNT,
            {"status": Status.CANCELED},
            "nothing is captured for a canceled session",
        ),
        (Mismatch.AMOUNT, {"status": Status.COMPLETED}, "captured for a completed session"),
        (Mismatch.AMOUNT, {"refused_captures": ["pay_1"]}, "Its provider has refused"),
    ],
)
def test_held_money_that_can_not_be_had_is_not_accepted(
    reason: str, session: dict[str, Any], words: str
) -> None:
    look = outlook(Choice.ACCEPT, _case(HELD, reason, **session))
    assert look.code == "payment_not_succeeded"
    assert words in look.words


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"session_id": "another"}, "only_rejectable", "The payment belongs to another session."),
        ({"status": PaymentStatus.PENDING}, "payment_not_succeeded", "The payment is under way"),
        ({"status": PaymentStatus.REFUNDED}, "payment_not_succeeded", "The payment is refunded"),
    ],
)
def test_only_money_of_the_session_that_came_or_is_held_is_accepted(
    changes: dict[str, Any], code: str, words: str
) -> None:
    case = _case(PaymentStatus.SUCCEEDED)
    assert case.payment is not None
    paid = case.payment.model_copy(update=changes)
    look = outlook(Choice.ACCEPT, Case(case.doubt, case.session, paid))
    assert (look.code, look.words[: len(words)]) == (code, words)
    nothing = outlook(Choice.ACCEPT, Case(case.doubt, case.session, None))
    assert (nothing.code, nothing.words[:16]) == ("payment_not_succeeded", "Nothing was paid")


@pytest.mark.parametrize("reason", [Mismatch.AFTER_REJECTION, Mismatch.ANOTHERS])
def test_money_that_goes_back_is_not_accepted_though_it_came(reason: str) -> None:
    came = PaymentStatus.SUCCEEDED
    assert outlook(Choice.ACCEPT, _case(came, reason)).code == "only_rejectable"
    assert outlook(Choice.REJECT, _case(came, reason)).possible


def test_held_money_waits_while_another_of_the_session_is_captured() -> None:
    look = outlook(Choice.ACCEPT, _case(HELD, capturing=Capturing(payment_id="pay_2", at=NOON)))
    assert (look.code, look.words[:22]) == ("capture_under_way", "Another held payment o")


def test_money_that_came_completes_the_session_or_is_kept_beside_what_completed_it() -> None:
    came = PaymentStatus.SUCCEEDED
    expired = outlook(Choice.ACCEPT, _case(came, status=Status.EXPIRED))
    assert expired.words == "Completes the session, which is expired, with this payment."
    completed = outlook(Choice.ACCEPT, _case(came, status=Status.COMPLETED))
    assert completed.words.startswith("The session stays completed as it is")
    assert expired.possible
    assert completed.possible


@pytest.mark.parametrize(
    ("reason", "session", "code", "words"),
    [
        (Mismatch.AMOUNT, {}, None, "Leaves the session without this payment"),
        (Mismatch.AMOUNT, {"provider_payment_id": "pay_1"}, None, "Leaves the session without"),
        (Mismatch.AMOUNT, {"capturing": "pay_1"}, "capture_under_way", "Its capture is under way"),
        (Mismatch.AMOUNT, {"capturing": "pay_2"}, None, "Leaves the session without this payment"),
        (UNRESOLVED, {"capturing": "pay_1"}, None, "Gives the payment up"),
        (
            Mismatch.AMOUNT,
            {"status": Status.COMPLETED, "provider_payment_id": "pay_1"},
            None,
            "The session stays completed by it",
        ),
        (
            Mismatch.AMOUNT,
            {"status": Status.COMPLETED, "provider_payment_id": "pay_2"},
            None,
            "Leaves the session without this payment",
        ),
    ],
)
def test_rejecting_tells_what_it_leaves(
    reason: str, session: dict[str, Any], code: str | None, words: str
) -> None:
    if "capturing" in session:
        session = session | {"capturing": Capturing(payment_id=session["capturing"], at=NOON)}
    look = outlook(Choice.REJECT, _case(HELD, reason, **session))
    assert look.code == code
    assert look.words.startswith(words)


@pytest.mark.parametrize(
    ("reason", "payment", "session", "words"),
    [
        (Mismatch.AMOUNT, {}, {}, "Only a duplicate_payment can be"),
        (Mismatch.SECOND, {}, {"status": Status.EXPIRED}, "The session was not completed by hand"),
        (Mismatch.SECOND, {}, {"provider_payment_id": "pay_0"}, "The session was not completed by"),
        (Mismatch.SECOND, {}, {"completed_by": None}, "The session was not completed by hand"),
        (Mismatch.SECOND, None, {}, "The payment has not succeeded"),
        (Mismatch.SECOND, {"status": HELD}, {}, "The payment has not succeeded"),
        (Mismatch.SECOND, {"session_id": "another"}, {}, "The payment belongs to another session."),
        (Mismatch.SECOND, {"amount": 999}, {}, "The payment has another amount or currency"),
        (Mismatch.SECOND, {"currency": "INR"}, {}, "The payment has another amount or currency"),
    ],
)
def test_only_the_money_itself_takes_the_place_of_its_entry_by_hand(
    reason: str, payment: dict[str, Any] | None, session: dict[str, Any], words: str
) -> None:
    look = outlook(Choice.SAME_MONEY, _entered_by_hand(reason, payment, session))
    assert look.code == "not_the_same_money"
    assert look.words.startswith(words)
    control = outlook(Choice.SAME_MONEY, _entered_by_hand(Mismatch.SECOND, {}, {}))
    assert (control.code, control.words[:25]) == (None, "The payment is the money ")


def _entered_by_hand(reason: str, payment: dict[str, Any] | None, session: dict[str, Any]) -> Case:
    """A session that was completed by hand, and `pay_1` over the same money."""
    money = {"amount": 1000, "currency": "USD"}
    by_hand = Payment.model_construct(status=PaymentStatus.SUCCEEDED, **money)
    entry = session.get("completed_by", by_hand)
    completed = {"status": Status.COMPLETED, "provider_payment_id": "hand:m:s"}
    case = _case(PaymentStatus.SUCCEEDED, reason, **(money | completed | session))
    assert case.payment is not None
    paid = None if payment is None else case.payment.model_copy(update=money | payment)
    return Case(case.doubt, case.session, paid, entry)


def test_what_was_decided_is_decided_and_its_capture_is_awaited() -> None:
    case = _case(PaymentStatus.SUCCEEDED)
    for awaiting, words in ((False, "Bob has decided this."), (True, "its capture is awaited.")):
        decision = Decision(accepted=True, at=NOON, by="bob", awaiting=awaiting)
        doubt = case.doubt.model_copy(update={"decision": decision})
        for choice in Choice:
            look = outlook(choice, Case(doubt, case.session, case.payment))
            assert look.code == "already_decided"
            assert look.words.endswith(words)
