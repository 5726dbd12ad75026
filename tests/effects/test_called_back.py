"""Money under way calls an ended session back, unless another one has taken its place."""

import asyncio
from typing import Any

import pytest

from service.sessions.operations.moving import by_facts
from tests.support.api import SECRET
from tests.support.events import stripe_checkout, stripe_intent
from tests.support.shop import Shop

LATER = {"payment_status": "unpaid"}


async def _ended_by_clock(shop: Shop) -> dict[str, Any]:
    session = await shop.api.open()
    shop.pass_time(minutes=31)
    await shop.clean_up()
    return session


async def _under_way(shop: Shop, session: dict[str, Any]) -> dict[str, Any]:
    told = shop.stripe("checkout.session.completed", stripe_checkout(session, **LATER))
    await shop.api.told(told)
    return await shop.session(session["sessionId"])


async def test_an_expired_session_waits_for_money_and_is_completed_late(shop: Shop) -> None:
    session = await _ended_by_clock(shop)
    stored = await _under_way(shop, session)
    assert (stored["status"], stored["purgeAt"]) == ("processing", None)

    await shop.api.told(shop.stripe("payment_intent.succeeded", stripe_intent(session), 5))
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["late"]) == ("completed", True)


async def test_where_the_money_does_not_come_the_session_is_as_ended_as_before(shop: Shop) -> None:
    session = await _ended_by_clock(shop)
    await _under_way(shop, session)
    declined = stripe_intent(session, amount_received=0)
    await shop.api.told(shop.stripe("payment_intent.payment_failed", declined, 5))
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["liveAttempts"]) == ("expired", [])
    assert stored["purgeAt"] is not None


async def test_no_hand_calls_a_session_back(shop: Shop) -> None:
    session = await _ended_by_clock(shop)
    for status in ("processing", "failed"):
        body = {"sessionId": session["sessionId"], "status": status}
        answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
        assert (answer.status_code, answer.json()["error"]) == (409, "illegal_move")


async def _checkout(shop: Shop, session_id: str) -> dict[str, Any]:
    """A checkout session as it is stored, of the one user and plan that may have one open."""
    await shop.api.open(sessionId=session_id)
    place = {"kind": "checkout", "plan": "pro"}
    await shop.database["sessions"].update_one({"sessionId": session_id}, {"$set": place})
    return {"sessionId": session_id, "amount": 1000, "currency": "INR"}


async def _with_a_rival(shop: Shop) -> dict[str, Any]:
    old = await _checkout(shop, "old")
    shop.pass_time(hours=25)
    await shop.clean_up()
    await _checkout(shop, "new")
    return old


async def test_a_session_whose_place_is_taken_stays_ended_and_its_money_live(shop: Shop) -> None:
    old = await _with_a_rival(shop)
    stored = await _under_way(shop, old)
    assert (stored["status"], stored["liveAttempts"]) == ("expired", ["pi_old"])
    assert [one["status"] for one in await shop.payments()] == ["pending"]
    [event] = await shop.events()
    assert event["status"] == "processed"

    await shop.api.told(shop.stripe("payment_intent.succeeded", stripe_intent(old), 5))
    stored = await shop.session("old")
    assert (stored["status"], stored["late"]) == ("completed", True)


async def test_a_session_whose_place_is_taken_fails_by_its_providers_word_all_the_same(
    shop: Shop,
) -> None:
    old = await _with_a_rival(shop)
    failed = shop.stripe("checkout.session.async_payment_failed", stripe_checkout(old, **LATER))
    assert (await shop.api.told(failed))["outcome"] == "processed"
    assert (await shop.session("old"))["status"] == "failed"


async def test_of_two_that_are_called_back_at_once_one_comes(shop: Shop) -> None:
    ended = []
    for name in ("one", "two", "six"):
        ended.append(await _checkout(shop, name))
        shop.pass_time(hours=25)
        await shop.clean_up()
    stored = await asyncio.gather(*(_under_way(shop, session) for session in ended))
    assert sorted(one["status"] for one in stored) == ["expired", "expired", "processing"]


async def test_control_who_does_not_look_for_a_rival_is_refused_for_ever(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(*_: Any) -> bool:
        return False

    old = await _with_a_rival(shop)
    monkeypatch.setattr(by_facts, "_another_is_open", nobody)
    told = shop.stripe("checkout.session.completed", stripe_checkout(old, **LATER))
    assert (await shop.api.deliver(told)).status_code == 503
