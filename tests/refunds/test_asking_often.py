"""Whoever asks over and over: a queue that people read stays readable, a key means one call."""

import pytest

from service.payments.refunds.operations import request
from service.payments.refunds.operations.request import MOST_OPEN
from tests.refunds.money import LIMIT, Money, made, refused
from tests.support.api import SECRET

ONCE = {"Idempotency-Key": "a-refund-of-this-order"}


async def _many(money: Money, payment: str) -> list[str]:
    asked = [await money.request(paymentId=payment, amount=1) for _ in range(MOST_OPEN)]
    return [made(one)["refundId"] for one in asked]


async def test_a_customer_s_many_small_requests_do_not_fill_the_queue(money: Money) -> None:
    payment = await money.paid()
    first, *_ = await _many(money, payment)
    for ask in (money.request(paymentId=payment, amount=1), money.request(paymentId=payment)):
        assert refused(await ask) == (409, "too_many_requested")
    assert len(await money.refunds()) == MOST_OPEN
    made(await money.process(first, "deny"), 200)
    made(await money.request(paymentId=payment, amount=1))
    # Who may refund is not held up by what waits, and other payments are not either.
    assert made(await money.refund(payment, amount=1))["status"] == "succeeded"
    made(await money.request(paymentId=await money.paid()))


async def test_control_without_the_count_each_small_request_is_taken(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = await money.paid()
    await _many(money, payment)
    monkeypatch.setattr(request, "MOST_OPEN", MOST_OPEN + 1)
    made(await money.request(paymentId=payment, amount=1))


async def test_what_a_key_asks_for_beyond_the_limit_is_counted_too(money: Money) -> None:
    payment = await money.paid(LIMIT * 2)
    made(await money.refund(payment, amount=LIMIT))
    for _ in range(MOST_OPEN):
        assert made(await money.refund(payment, amount=1))["status"] == "requested"
    assert refused(await money.refund(payment, amount=1)) == (409, "too_many_requested")


async def test_a_key_that_was_forgotten_and_asks_for_something_else_is_told_so(
    money: Money,
) -> None:
    first, second = await money.paid(), await money.paid()
    asked = made(await money.request(SECRET, paymentId=first, amount=300, headers=ONCE))
    money.shop.pass_time(days=1, seconds=1)
    for other in ({"paymentId": second}, {"amount": 400}, {"amount": 200}, {"reason": "another"}):
        body = {"paymentId": first, "amount": 300} | other
        again = await money.request(SECRET, headers=ONCE, **body)
        assert refused(again) == (422, "idempotency_key_reused"), other
    # Control: the same call is still the same refund, also once less of it was approved.
    made(await money.process(asked["refundId"], "approve", amount=100), 200)
    same = made(await money.request(SECRET, paymentId=first, amount=300, headers=ONCE))
    assert (same["refundId"], same["amount"]) == (asked["refundId"], 100)
    assert len(await money.refunds()) == 1


async def test_a_refund_at_once_under_a_forgotten_key_is_compared_as_well(money: Money) -> None:
    payment = await money.paid()
    first = made(await money.refund(payment, amount=300, headers=ONCE))
    money.shop.pass_time(days=1, seconds=1)
    for amount in (200, 400):
        again = await money.refund(payment, amount=amount, headers=ONCE)
        assert refused(again) == (422, "idempotency_key_reused")
    same = made(await money.refund(payment, amount=300, headers=ONCE))
    assert same["refundId"] == first["refundId"]
    assert await money.sums(payment) == (300, 0)
