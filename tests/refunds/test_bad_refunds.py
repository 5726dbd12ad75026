"""What can't be refunded: each a problem of its own, and no money moves."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from httpx import Response

from service.core.errors import ProviderUnreachable
from service.core.principal import AccessScope, Kind
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations import approve, request, rules
from service.payments.refunds.sending import now, send
from tests.effects.returned import booked, stripe_dispute
from tests.refunds.money import Money, made, refused
from tests.sessions.asking import key_of_another_merchant, token_of
from tests.support.api import ADMIN, PUBLISHABLE
from tests.support.keys import issue_key

Case = Callable[[Money, str], Awaitable[Response]]


async def _another_users(money: Money, payment: str) -> Response:
    return await money.request(token_of("somebody", money.shop.clock), paymentId=payment)


async def _named_by_a_browser(money: Money, payment: str) -> Response:
    await money.shop.database["payments"].update_one(
        {"providerPaymentId": payment}, {"$set": {"owner": "pk:somebody"}}
    )
    return await money.request(paymentId=payment)


async def _another_users_session(money: Money, payment: str) -> Response:
    sid = payment.removeprefix("pi_")
    return await money.request(token_of("somebody", money.shop.clock), sessionId=sid)


async def _of_a_refund(money: Money, payment: str) -> Response:
    refund = made(await money.refund(payment, amount=1))
    return await money.refund(refund["refundId"])


async def _of_a_refund_by_its_other_id(money: Money, payment: str) -> Response:
    refund = made(await money.refund(payment, amount=1))
    return await money.refund(refund["providerRefundId"])


async def _of_a_canceled_session(money: Money, payment: str) -> Response:
    session = await money.shop.api.open()
    body = {"sessionId": session["sessionId"], "status": "canceled"}
    await money.shop.api.call("PUT", "/api/payment-sessions", json=body)
    return await money.request(sessionId=session["sessionId"])


async def _of_a_failed_payment(money: Money, payment: str) -> Response:
    await money.shop.database["payments"].update_one(
        {"providerPaymentId": payment}, {"$set": {"status": "failed"}}
    )
    return await money.request(sessionId=payment.removeprefix("pi_"))


async def _twice(money: Money, payment: str) -> Response:
    made(await money.refund(payment))
    return await money.refund(payment)


async def _requested_twice(money: Money, payment: str) -> Response:
    made(await money.request(paymentId=payment))
    return await money.request(paymentId=payment)


async def _disputed(money: Money, payment: str) -> Response:
    sid = payment.removeprefix("pi_")
    session = {"sessionId": sid, "amount": 1000, "currency": "INR"}
    taken = [booked(session, 1, -1000, 1500)]
    told = await money.shop.api.told(
        stripe_dispute(money.shop, session, "created", balance_transactions=taken)
    )
    assert told["outcome"] == "processed"
    assert (await money.payment(payment))["held"] > 0
    return await money.refund(payment, amount=1)


async def _too_late(money: Money, payment: str) -> Response:
    money.shop.pass_time(days=30, seconds=1)
    return await money.request(paymentId=payment)


async def _of_another_merchant(money: Money, payment: str) -> Response:
    return await money.refund(payment, await key_of_another_merchant(money.shop.clock))


async def _of_another_mode(money: Money, payment: str) -> Response:
    await money.shop.database["payments"].update_one(
        {"providerPaymentId": payment}, {"$set": {"live": True}}
    )
    return await money.refund(payment)


CASES: dict[str, tuple[Case, int, str]] = {
    "more than is left": (lambda m, p: m.refund(p, amount=1001), 409, "more_than_left"),
    "more than is left, requested": (
        lambda m, p: m.request(paymentId=p, amount=1001),
        409,
        "more_than_left",
    ),
    "another currency": (lambda m, p: m.refund(p, currency="USD"), 400, "currency_mismatch"),
    "zero": (lambda m, p: m.refund(p, amount=0), 400, "invalid_request"),
    "less than zero": (lambda m, p: m.refund(p, amount=-1), 400, "invalid_request"),
    "a fraction": (lambda m, p: m.refund(p, amount=1.5), 400, "invalid_request"),
    "no reason": (lambda m, p: m.refund(p, reason=""), 400, "invalid_request"),
    "neither payment nor session": (lambda m, p: m.request(), 400, "invalid_request"),
    "both": (lambda m, p: m.request(paymentId=p, sessionId="s"), 400, "invalid_request"),
    "nobody's payment": (lambda m, p: m.refund("pi_nobody"), 404, "payment_not_found"),
    "another user's payment": (_another_users, 404, "payment_not_found"),
    "one that a browser named the user for": (_named_by_a_browser, 404, "payment_not_found"),
    "another user's session": (_another_users_session, 404, "payment_not_found"),
    "another merchant's payment": (_of_another_merchant, 404, "payment_not_found"),
    "a browser's key": (lambda m, p: m.refund(p, PUBLISHABLE), 403, "forbidden"),
    "a refund of a refund": (_of_a_refund, 409, "refund_of_refund"),
    "a refund of a refund at Stripe": (_of_a_refund_by_its_other_id, 409, "refund_of_refund"),
    "a canceled session's": (_of_a_canceled_session, 404, "payment_not_found"),
    "a failed payment's": (_of_a_failed_payment, 409, "nothing_paid"),
    "twice": (_twice, 409, "more_than_left"),
    "requested twice": (_requested_twice, 409, "refund_already_requested"),
    "a disputed payment": (_disputed, 409, "payment_disputed"),
    "after the window": (_too_late, 409, "refund_window_over"),
    "in another mode": (_of_another_mode, 409, "refund_not_offered"),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_can_t_be_refunded_says_why_and_moves_nothing(money: Money, case: str) -> None:
    call, status, code = CASES[case]
    payment = await money.paid()
    answer = await call(money, payment)
    assert refused(answer) == (status, code)
    refunds = {row["status"] for row in await money.refunds()}
    assert refunds <= {"succeeded", "requested"}
    row = await money.payment(payment)
    assert row["reserved"] == 0
    assert money.books.moved(payment) == row["refunded"] <= 1000
    await money.agrees()


@pytest.mark.parametrize("case", ["more than is left", "a disputed payment"])
async def test_control_without_the_look_at_the_payment_it_would_go_out(
    money: Money, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anything(payment: Any, amount: int | None, currency: str | None = None) -> int:
        return amount or 1

    async def reserves(*_: object) -> None:
        return

    monkeypatch.setattr(request, "amount_of", anything)
    monkeypatch.setattr(approve, "_reserve", reserves)
    payment = await money.paid()
    call, _, _ = CASES[case]
    answer = await call(money, payment)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("case", ["more than is left", "a disputed payment"])
async def test_control_the_filtered_update_alone_would_hold_it(
    money: Money, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anything(payment: Any, amount: int | None, currency: str | None = None) -> int:
        return amount or 1

    monkeypatch.setattr(request, "amount_of", anything)
    monkeypatch.setattr(approve, "amount_of", anything)
    assert rules.amount_of is not anything
    payment = await money.paid()
    call, _, _ = CASES[case]
    assert refused(await call(money, payment)) == (409, "in_progress")
    assert money.books.asked() == 0


async def test_an_inquiry_holds_nothing_and_may_be_refunded(money: Money) -> None:
    payment = await money.paid()
    sid = payment.removeprefix("pi_")
    session = {"sessionId": sid, "amount": 1000, "currency": "INR"}
    await money.shop.api.told(
        stripe_dispute(money.shop, session, "created", status="warning_needs_response")
    )
    assert made(await money.refund(payment))["status"] == "succeeded"


async def test_what_was_requested_before_a_dispute_can_t_be_approved_in_it(money: Money) -> None:
    payment = await money.paid()
    asked = made(await money.request(paymentId=payment))
    assert refused(await _disputed(money, payment)) == (409, "payment_disputed")
    answer = await money.process(asked["refundId"], "approve")
    assert refused(answer) == (409, "payment_disputed")
    assert (await money.the_refund())["status"] == "requested"


async def _approved_then_disputed(money: Money) -> str:
    """Have a dispute take hold of money whose refund was approved and has not gone out."""
    payment = await money.paid()

    async def later(*_: object) -> None:
        raise ProviderUnreachable("not now")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(now, "send", later)
        assert made(await money.refund(payment, amount=400))["status"] == "approved"
    assert refused(await _disputed(money, payment)) == (409, "payment_disputed")
    return payment


async def test_what_was_approved_before_a_dispute_does_not_go_out_in_it(money: Money) -> None:
    payment = await _approved_then_disputed(money)
    await money.deliver()
    row = await money.the_refund()
    assert (row["status"], row["failureCode"]) == ("failed", "payment_disputed")
    assert (money.books.asked(), await money.sums(payment)) == (0, (0, 0))
    await money.agrees()


async def test_control_without_the_look_at_the_dispute_it_goes_out(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment_of = send._payment_of

    async def undisputed(refund: Refund) -> Payment:
        return (await payment_of(refund)).model_copy(update={"held": 0})

    payment = await _approved_then_disputed(money)
    monkeypatch.setattr(send, "_payment_of", undisputed)
    await money.deliver()
    assert money.books.moved(payment) == 400


async def test_what_may_have_gone_out_is_not_repeated_in_a_dispute(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("dropped")
    made(await money.refund(payment, amount=400))
    await _disputed(money, payment)
    await money.deliver()
    assert (money.books.asked(), await money.sums(payment)) == (1, (0, 400))
    money.shop.pass_time(hours=23)
    await money.deliver()
    assert (await money.the_refund())["needsPerson"]
    assert money.books.asked() == 1


async def test_a_decision_says_what_is_wrong_with_it(money: Money) -> None:
    payment = await money.paid()
    asked = made(await money.request(paymentId=payment, amount=100))["refundId"]
    cases = [
        (await money.process(asked, "approve", amount=101), 400, "more_than_requested"),
        (await money.process(asked, "deny", amount=1), 400, "invalid_request"),
        (await money.process("rf-nobody", "approve"), 404, "refund_not_found"),
        (await money.process(asked, "perhaps"), 400, "invalid_request"),
    ]
    for answer, status, code in cases:
        assert refused(answer) == (status, code)
    assert money.books.asked() == 0


async def test_only_a_key_that_may_refund_decides(money: Money) -> None:
    clock, payment = money.shop.clock, await money.paid()
    asked = made(await money.request(paymentId=payment))["refundId"]
    reader = (await issue_key(clock, Kind.ADMIN, scopes=[AccessScope.REFUNDS_READ])).key
    user = token_of("user_123", clock)
    for key in (reader, user, PUBLISHABLE):
        assert (await money.process(asked, "approve", key)).status_code == 403
        assert (await money.refund(payment, key)).status_code == 403
    decider = (await issue_key(clock, Kind.ADMIN, scopes=[AccessScope.REFUNDS_APPROVE])).key
    assert made(await money.process(asked, "approve", decider), 200)["status"] == "succeeded"
    another = await key_of_another_merchant(clock, Kind.ADMIN)
    assert refused(await money.process(asked, "deny", another)) == (404, "refund_not_found")


@pytest.mark.parametrize(("currency", "part"), [("KWD", 995), ("UGX", 150)])
async def test_what_the_provider_can_not_give_back_to_the_last_digit_is_refused_here(
    money: Money, currency: str, part: int
) -> None:
    payment = await money.paid(1000, currency=currency)
    for answer in (
        await money.refund(payment, amount=part),
        await money.request(paymentId=payment, amount=part),
    ):
        assert refused(answer) == (400, "invalid_request")
        assert "in steps of" in answer.json()["errors"][0]["message"]
    assert (money.books.asked(), await money.sums(payment)) == (0, (0, 0))


async def test_control_a_currency_without_a_part_is_given_back_by_ones(money: Money) -> None:
    payment = await money.paid(2, currency="JPY")
    made(await money.refund(payment, amount=1))
    assert money.books.moved(payment) == 1


async def test_several_payments_of_a_session_must_be_named(money: Money) -> None:
    session = await money.shop.api.open()
    sid = session["sessionId"]
    await money.shop.api.told(money.shop.stripe_paid(session))
    second = money.shop.stripe_paid(session, payment_intent=f"pi_two_{sid}")
    assert (await money.shop.api.told(second))["outcome"] == "review"
    answer = await money.request(sessionId=sid)
    assert refused(answer) == (409, "which_payment")
    made(await money.refund(f"pi_two_{sid}", ADMIN))
    assert made(await money.request(sessionId=sid))["providerPaymentId"] == f"pi_{sid}"
