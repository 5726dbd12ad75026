"""Payments after the session's end, and expiry racing the payment: money is never lost."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.sessions.operations.moving.expire import expire_batch, expire_if_due
from service.sessions.states import Status
from service.storage.database import Row
from tests.support.api import SECRET
from tests.support.events import stripe_checkout
from tests.support.patience import IN_TIME
from tests.support.shop import Shop, a_few_at_once, completions

ENDS = ["expired", "canceled", "failed", "lazily expired"]


async def _expire_all(shop: Shop, size: int) -> int:
    """Expire all that is due in batches, as a run of the cleanup does."""
    lifetimes, now = shop.api.container.rules.lifetimes, shop.clock.now()
    async with aclosing(sessions.walk_due(now, size)) as walk:
        return sum([await expire_batch(lifetimes, now, keys) async for keys in walk])


async def _ended(shop: Shop, how: str) -> dict[str, Any]:
    session = await shop.api.open()
    if how == "lazily expired":
        shop.pass_time(minutes=31)
    elif how == "expired":
        shop.pass_time(minutes=31)
        await shop.clean_up()
    elif how == "failed":
        over = shop.stripe(
            "checkout.session.async_payment_failed",
            stripe_checkout(session, payment_status="unpaid", payment_intent="pi_first"),
        )
        await shop.receive(over)
    else:
        body = {"sessionId": session["sessionId"], "status": "canceled"}
        answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
        assert answer.status_code == 200
    seen = await shop.api.read(session["sessionId"])
    assert seen["status"] == how.removeprefix("lazily ")
    return session


@pytest.mark.parametrize("how", ENDS)
async def test_a_payment_of_an_ended_session_completes_it_late(shop: Shop, how: str) -> None:
    session = await _ended(shop, how)
    shop.pass_time(hours=1)
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"

    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["late"]) == ("completed", True)
    assert stored["completedAt"] == shop.clock.now()
    assert stored["purgeAt"] == shop.clock.now() + timedelta(days=90)
    assert completions(stored) == 1


@pytest.mark.parametrize("how", ENDS)
async def test_a_misfit_payment_of_an_ended_session_is_reviewed(shop: Shop, how: str) -> None:
    session = await _ended(shop, how)
    before = await shop.session(session["sessionId"])
    wrong = shop.stripe_paid(session, amount_total=1)
    assert (await shop.api.told(wrong))["outcome"] == "review"
    after = await shop.session(session["sessionId"])
    assert after["status"] == before["status"]
    assert len(await shop.payments(providerPaymentId=f"pi_{session['sessionId']}")) == 1


async def test_a_timely_payment_is_not_late(shop: Shop) -> None:
    session = await shop.api.open()
    shop.pass_time(minutes=29, seconds=59)
    await shop.api.told(shop.stripe_paid(session))
    assert (await shop.session(session["sessionId"]))["late"] is False


RACES = 60


async def _race(shop: Shop) -> list[dict[str, Any]]:
    """Race the expiry of many sessions against their payments; return them as they then stand."""
    opened = [await shop.api.open() for _ in range(RACES)]
    shop.pass_time(minutes=31)
    container = shop.api.container

    async def expire(session_id: str) -> None:
        found = await sessions.find("default", session_id)
        assert found is not None
        await expire_if_due(found, container.rules.lifetimes, shop.clock.now())

    def both(session: dict[str, Any]) -> Any:
        paid = shop.receive(shop.stripe_paid(session))
        return asyncio.gather(paid, expire(session["sessionId"]))

    async def one(session: dict[str, Any]) -> None:
        await both(session)

    batches = (_expire_all(shop, 10) for _ in range(4))
    await a_few_at_once([*batches, *(one(session) for session in opened)], most=10)
    return [await shop.session(session["sessionId"]) for session in opened]


async def test_expiry_racing_a_payment_never_loses_it(shop: Shop) -> None:
    stood = await _race(shop)

    assert {session["status"] for session in stood} == {"completed"}
    for session in stood:
        moves = [move["to"] for move in session["history"]]
        assert moves in (["pending", "completed"], ["pending", "expired", "completed"])
        assert session["late"] is True
    assert len(await shop.payments(status="succeeded")) == RACES
    assert len(await shop.messages("session.completed")) == RACES
    expired = sum(len(session["history"]) == 3 for session in stood)
    assert len(await shop.messages("session.expired")) == expired


async def test_control_an_expiry_that_does_not_look_again_loses_payments(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unfiltered(due: list[Session], line: Row, purge_at: object, tx: object) -> int:
        paid = {"sessionId": {"$in": [session.session_id for session in due]}}
        async with asyncio.timeout(IN_TIME):  # all of them are paid while this goes on
            while due and not await shop.database["payments"].count_documents(paid):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for session in due:
            await Session.get_pymongo_collection().update_one(
                {"_id": session.id}, {"$set": {"status": Status.EXPIRED.value}}
            )
        return len(due)

    monkeypatch.setattr(sessions, "expire_all", unfiltered)
    stood = await _race(shop)
    assert "expired" in {session["status"] for session in stood}


async def test_a_batch_writes_one_event_for_each_session_that_it_expired(shop: Shop) -> None:
    due = [(await shop.api.open())["sessionId"] for _ in range(12)]
    shop.pass_time(minutes=20)
    young = (await shop.api.open())["sessionId"]
    paid = await shop.api.open()
    await shop.receive(shop.stripe_paid(paid))
    shop.pass_time(minutes=10)

    counts = await asyncio.gather(*(_expire_all(shop, 5) for _ in range(4)))
    assert sum(counts) == 12
    messages = await shop.messages("session.expired")
    assert sorted(message["sessionId"] for message in messages) == sorted(due)
    for sid in due:
        stored = await shop.session(sid)
        assert [move["to"] for move in stored["history"]] == ["pending", "expired"]
        assert stored["purgeAt"] == shop.clock.now() + timedelta(days=7)
    assert (await shop.session(young))["status"] == "pending"
    assert completions(await shop.session(paid["sessionId"])) == 1
