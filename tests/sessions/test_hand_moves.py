"""What a hand may do to a session whose money moves, and what the clock makes of it afterwards."""

from typing import Any

import pytest

from service.sessions import repository
from service.sessions.operations.changing import change_session
from service.sessions.operations.moving.expire import expire_if_due
from tests.sessions.asking import change, problem
from tests.support.events import stripe_checkout
from tests.support.shop import Shop

HELD = {"id": "pay_1", "order_id": "order_held"}


async def _held(shop: Shop) -> dict[str, Any]:
    """Let money of a session be held, so that its capture is under way."""
    session = await shop.api.open(paymentMethod="razorpay", sessionId="order_held")
    await shop.receive(shop.razorpay("payment.authorized", session, **HELD, status="authorized"))
    return session


@pytest.mark.parametrize("to", ["completed", "failed", "expired", "pending"])
async def test_no_hand_moves_a_session_while_its_money_is_captured(shop: Shop, to: str) -> None:
    await _held(shop)
    before = await shop.session("order_held")
    assert (before["status"], before["capturing"]["paymentId"]) == ("processing", "pay_1")
    problem(await change(shop.api, sessionId="order_held", status=to), 409, "in_progress")
    assert await shop.session("order_held") == before
    assert [row["providerPaymentId"] for row in await shop.payments()] == ["pay_1"]


async def test_control_settled_by_hand_meanwhile_it_is_paid_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_session, "check_change", lambda *_: None)
    session = await _held(shop)
    assert (await change(shop.api, sessionId="order_held", status="completed")).is_success
    await shop.receive(shop.razorpay("payment.captured", session, 5, **HELD, status="captured"))
    stored = await shop.session("order_held")
    assert (stored["status"], stored["review"]["reason"]) == ("completed", "duplicate_payment")


async def _put_back(shop: Shop, n: int) -> str:
    """Put a session back to pending by hand, whose payment is under way."""
    session = await shop.api.open(sessionId=f"s-{n}", userId=f"u-{n}", providerSessionId=f"cs_{n}")
    later = {"payment_status": "unpaid", "payment_intent": f"pi_{n}"}
    found = stripe_checkout(session, id=f"cs_{n}", **later)
    await shop.receive(shop.stripe("checkout.session.completed", found))
    assert (await shop.session(f"s-{n}"))["liveAttempts"] == [f"pi_{n}"]
    assert (await change(shop.api, sessionId=f"s-{n}", status="pending")).is_success
    return f"s-{n}"


async def test_put_back_by_hand_a_session_waits_for_nothing_until_it_is_told_anew(
    shop: Shop,
) -> None:
    stored = await shop.session(await _put_back(shop, 1))
    assert (stored["status"], stored["liveAttempts"], stored["capturing"]) == ("pending", [], None)
    intent = {"id": "pi_1", "object": "payment_intent", "amount": 1000, "currency": "inr"}
    intent |= {"status": "processing", "metadata": {"sessionId": "s-1"}}
    await shop.receive(shop.stripe("payment_intent.processing", intent, 5))
    stored = await shop.session("s-1")
    assert (stored["status"], stored["liveAttempts"]) == ("processing", ["pi_1"])


async def _expired_by(shop: Shop, n: int, *, job: bool, claim: bool = False) -> str:
    session_id = await _put_back(shop, n)
    if claim:  # as a version before left them, or a hand in the database
        left = {
            "capturing": {"paymentId": "pi_x", "at": shop.clock.now()},
            "liveAttempts": ["pi_x"],
        }
        await shop.database["sessions"].update_one({"sessionId": session_id}, {"$set": left})
    shop.pass_time(hours=2)
    if job:
        await shop.clean_up()
    else:
        found = await repository.find("default", session_id)
        assert found is not None
        await expire_if_due(found, shop.api.container.rules.lifetimes, shop.clock.now())
    outcome = await shop.outcome(session_id)
    stored = await shop.session(session_id)
    assert (stored["status"], stored["capturing"], stored["liveAttempts"]) == ("expired", None, [])
    for name, value in stored.items():  # the clock has gone on between the two
        if hasattr(value, "isoformat"):
            outcome = outcome.replace(str(value), name)
    for payment in await shop.payments(sessionId=session_id):
        for name, place in payment["places"].items():  # a time is part of it
            outcome = outcome.replace(str(place), f"place of {name}")
    return outcome.replace(f"_{n}", "_N").replace(f"-{n}", "-N")


@pytest.mark.parametrize("claim", [False, True])
async def test_the_clean_up_and_who_comes_first_expire_it_alike(shop: Shop, *, claim: bool) -> None:
    """Captured late by one of them and given up by the other, it ended by who was quicker."""
    by_job = await _expired_by(shop, 1, job=True, claim=claim)
    assert await _expired_by(shop, 2, job=False, claim=claim) == by_job
