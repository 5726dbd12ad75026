"""Decisions about reviews that give money back."""

from typing import Any

import pytest
from httpx import Response

from service.core.principal import AccessScope, Kind
from tests.refunds.money import LIMIT, Money, made, refused
from tests.support.api import ADMIN
from tests.support.events import stripe_checkout
from tests.support.keys import issue_key
from tests.support.reviews import disagreements


async def _decide(money: Money, review: str, choice: str, **body: Any) -> Response:
    sent = {"reason": "talked to them"} | body
    return await money.shop.admin("POST", f"/reviews/{review}/{choice}", json=sent)


async def _two(money: Money) -> tuple[str, str]:
    """Have a session paid twice; return its id and the second payment."""
    session = await money.shop.api.open()
    sid = session["sessionId"]
    await money.shop.api.told(money.shop.stripe_paid(session))
    second = money.shop.stripe_paid(session, payment_intent=f"pi_two_{sid}")
    assert (await money.shop.api.told(second))["outcome"] == "review"
    return sid, f"pi_two_{sid}"


async def _of_another_amount(money: Money, amount: int) -> tuple[str, str]:
    session = await money.shop.api.open()
    told = await money.shop.api.told(money.shop.stripe_paid(session, amount_total=amount))
    assert told["outcome"] == "review"
    return session["sessionId"], f"pi_{session['sessionId']}"


async def test_a_second_payment_is_rejected_and_refunded(money: Money) -> None:
    sid, second = await _two(money)
    (review,) = (await money.shop.admin("GET", "/reviews")).json()["reviews"]
    assert "reject-and-refund" in review["decisions"]
    assert "gives 10.00 INR back" in review["why"]["reject-and-refund"]
    answer = await _decide(money, sid, "reject-and-refund")
    refund = made(answer, 200)
    assert (refund["status"], refund["source"], refund["amount"]) == ("succeeded", "review", 1000)
    assert refund["reason"] == "talked to them"
    assert answer.json()["session"]["status"] == "completed"
    assert money.books.moved(second) == 1000
    assert money.books.moved(f"pi_{sid}") == 0
    again = await _decide(money, sid, "reject-and-refund")
    assert refused(again) == (409, "already_decided")
    assert money.books.asked() == 1
    assert await disagreements(money.shop.database) == []
    await money.agrees()


async def test_money_of_another_amount_is_accepted_and_the_rest_refunded(money: Money) -> None:
    sid, payment = await _of_another_amount(money, 1500)
    refund = made(await _decide(money, sid, "accept", refund=500), 200)
    assert (refund["status"], refund["amount"]) == ("succeeded", 500)
    assert (await money.shop.session(sid))["status"] == "completed"
    assert await money.sums(payment) == (500, 0)
    assert money.books.moved(payment) == 500


@pytest.mark.parametrize("rest", [900, 901])
async def test_no_acceptance_gives_all_of_it_back(money: Money, rest: int) -> None:
    sid, _ = await _of_another_amount(money, 900)
    answer = await _decide(money, sid, "accept", refund=rest)
    assert refused(answer) == (400, "invalid_request")
    assert (await money.shop.session(sid))["status"] == "pending"
    assert await money.refunds() == []


async def test_money_after_its_rejection_can_be_given_back(money: Money) -> None:
    session = await money.shop.api.open(paymentMethod="stripe")
    sid = session["sessionId"]
    pending = money.shop.stripe_paid(session, amount_total=900, payment_status="unpaid")
    assert (await money.shop.api.told(pending))["outcome"] == "review"
    assert (await _decide(money, sid, "reject-and-refund")).status_code == 409
    assert (await _decide(money, sid, "reject")).status_code == 200
    paid = money.shop.stripe(
        "checkout.session.async_payment_succeeded",
        stripe_checkout(session, amount_total=900),
        10,
    )
    assert (await money.shop.api.told(paid))["outcome"] == "review"
    assert made(await _decide(money, sid, "reject-and-refund"), 200)["amount"] == 900
    assert money.books.moved(f"pi_{sid}") == 900


async def test_money_of_another_session_is_never_given_back_from_here(money: Money) -> None:
    payment = await money.paid()
    other = await money.shop.api.open()
    told = await money.shop.api.told(money.shop.stripe_paid(other, payment_intent=payment))
    assert told["outcome"] == "review"
    (review,) = (await money.shop.admin("GET", "/reviews")).json()["reviews"]
    assert review["reason"] == "payment_of_another_session"
    assert "reject-and-refund" not in review["decisions"]
    answer = await _decide(money, other["sessionId"], "reject-and-refund")
    assert refused(answer) == (409, "only_rejectable")
    assert (money.books.asked(), await money.sums(payment)) == (0, (0, 0))


async def test_what_the_provider_refuses_leaves_the_decision_and_says_why(money: Money) -> None:
    sid, second = await _two(money)
    money.books.plans.append("refused:charge_disputed")
    refund = made(await _decide(money, sid, "reject-and-refund"), 200)
    assert (refund["status"], refund["failureCode"]) == ("failed", "charge_disputed")
    assert (await money.shop.session(sid))["review"] is None
    made(await money.refund(second))  # trying again is a new one
    assert money.books.moved(second) == 1000


async def test_a_decision_whose_refund_is_not_answered_is_made_by_the_message(
    money: Money,
) -> None:
    sid, second = await _two(money)
    money.books.plans.append("dropped")
    assert made(await _decide(money, sid, "reject-and-refund"), 200)["status"] == "processing"
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert money.books.moved(second) == 1000


async def test_whoever_may_decide_and_not_refund_gives_nothing_back(money: Money) -> None:
    sid, _ = await _two(money)
    scopes = [AccessScope.REVIEWS_DECIDE]
    key = (await issue_key(money.shop.clock, Kind.ADMIN, scopes=scopes)).key
    for choice, body in (("reject-and-refund", {}), ("accept", {"refund": 1})):
        path = f"/api/admin/reviews/{sid}/{choice}"
        answer = await money.shop.api.call("POST", path, key, json={"reason": "so"} | body)
        assert answer.status_code == 403, answer.text
    assert await money.refunds() == []


@pytest.mark.parametrize("choice", ["reject-and-refund", "accept"])
async def test_a_decision_is_no_way_around_the_limit(money: Money, choice: str) -> None:
    sid, payment = await _of_another_amount(money, LIMIT * 2)
    part = {"refund": LIMIT + 1} if choice == "accept" else {}
    asked = made(await _decide(money, sid, choice, **part), 200)
    assert (asked["status"], asked["source"]) == ("requested", "review")
    own = await money.process(asked["refundId"], "approve", ADMIN)
    assert refused(own) == (403, "own_request")
    assert money.books.asked() == 0
    # Control: another key may.
    other = (await issue_key(money.shop.clock, Kind.ADMIN)).key
    done = made(await money.process(asked["refundId"], "approve", other), 200)
    assert done["status"] == "succeeded"
    assert money.books.moved(payment) == asked["amount"]
