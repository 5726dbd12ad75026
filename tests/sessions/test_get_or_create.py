"""Checkout sessions: one open one per user, plan and provider, however many ask."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.sessions.asking import (
    CHECKOUTS,
    change,
    checkout_body,
    fields_of,
    open_as_browser,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api


async def test_a_checkout_session_lives_for_a_day_by_default(api: Api) -> None:
    answer = await api.call("POST", CHECKOUTS, json=checkout_body())
    assert answer.status_code == 201
    session = answer.json()["session"]
    assert (session["kind"], session["plan"], session["amount"]) == ("checkout", "premium", 2999)
    assert session["expiresAt"] == "2026-11-22T12:00:00Z"


async def test_fifty_concurrent_calls_open_one_session(api: Api, database: Database) -> None:
    answers = await asyncio.gather(
        *(api.call("POST", CHECKOUTS, json=checkout_body()) for _ in range(50))
    )
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert {answer.status_code for answer in answers} == {200, 201}
    assert len({answer.json()["session"]["sessionId"] for answer in answers}) == 1
    assert len({answer.json()["clientSecret"] for answer in answers}) == 1
    assert await database["sessions"].count_documents({}) == 1


async def test_concurrent_calls_after_expiry_open_one_new_session(
    api: Api, database: Database, clock: ManualClock
) -> None:
    first = await api.call("POST", CHECKOUTS, json=checkout_body())
    clock.advance(timedelta(hours=25))
    answers = await asyncio.gather(
        *(api.call("POST", CHECKOUTS, json=checkout_body()) for _ in range(20))
    )
    ids = {answer.json()["session"]["sessionId"] for answer in answers}
    assert len(ids) == 1
    assert first.json()["session"]["sessionId"] not in ids
    assert sorted([row["status"] async for row in database["sessions"].find({})]) == [
        "expired",
        "pending",
    ]
    told = await database["outbox"].count_documents({"topic": "session.expired"})
    assert told == 1


@pytest.mark.parametrize(
    "changes", [{"userId": "user_124"}, {"plan": "basic"}, {"provider": "razorpay"}]
)
async def test_another_user_plan_or_provider_has_its_own(api: Api, changes: dict[str, Any]) -> None:
    await api.call("POST", CHECKOUTS, json=checkout_body())
    answer = await api.call("POST", CHECKOUTS, json=checkout_body(**changes))
    assert answer.status_code == 201


async def test_the_open_one_keeps_its_price(api: Api) -> None:
    await put_price(api, "premium", 2999)
    body = checkout_body(amount=None)
    session, secret = await open_as_browser(api, CHECKOUTS, body)
    await put_price(api, "premium", 3999)
    again = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body, headers=secret)
    assert again.status_code == 200
    assert again.json()["session"] == session
    assert again.json()["clientSecret"] == secret["X-Client-Secret"]


@pytest.mark.parametrize("changes", [{"amount": 3999}, {"currency": "EUR"}, {"price": "39.99"}])
async def test_a_server_with_another_price_is_told_of_the_open_one(
    api: Api, changes: dict[str, Any]
) -> None:
    first = await api.call("POST", CHECKOUTS, json=checkout_body())
    amount = None if "price" in changes else 2999
    body = checkout_body(**({"amount": amount} | changes))
    told = problem(await api.call("POST", CHECKOUTS, json=body), 409, "open_session_differs")
    assert first.json()["session"]["sessionId"] in told["detail"]


async def test_a_server_without_an_amount_gets_the_open_one(api: Api) -> None:
    first = await api.call("POST", CHECKOUTS, json=checkout_body())
    again = await api.call("POST", CHECKOUTS, json=checkout_body(amount=None))
    assert again.status_code == 200, again.text
    assert again.json()["session"] == first.json()["session"]


async def test_a_browser_without_the_secret_learns_nothing_of_the_open_one(api: Api) -> None:
    await put_price(api, "premium", 2999)
    session, _ = await open_as_browser(api, CHECKOUTS, checkout_body())
    answer = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=checkout_body())
    assert answer.status_code == 201  # nor does that one stand in its way
    assert session["sessionId"] not in answer.text


async def test_a_user_goes_on_with_their_own(api: Api, clock: ManualClock) -> None:
    await put_price(api, "premium", 2999)
    mine = token_of("user_123", clock)
    opened = await api.call("POST", CHECKOUTS, mine, json=checkout_body())
    answer = await api.call("POST", CHECKOUTS, mine, json=checkout_body())
    assert answer.status_code == 200
    assert answer.json()["session"] == opened.json()["session"]


async def test_after_cancel_there_is_a_new_one(api: Api) -> None:
    first = await api.call("POST", CHECKOUTS, json=checkout_body())
    session_id = first.json()["session"]["sessionId"]
    assert (await change(api, sessionId=session_id, status="canceled")).status_code == 200
    assert (await api.call("POST", CHECKOUTS, json=checkout_body())).status_code == 201


async def test_retry_of_an_older_one_gives_way_to_the_open_one(
    api: Api, clock: ManualClock
) -> None:
    first = await api.call("POST", CHECKOUTS, json=checkout_body())
    clock.advance(timedelta(hours=25))
    await api.call("POST", CHECKOUTS, json=checkout_body())
    older = first.json()["session"]["sessionId"]
    answer = await change(api, sessionId=older, status="pending")
    assert answer.status_code == 409
    assert (await api.read(older))["status"] == "expired"


async def test_latest_is_the_users_most_recent(api: Api, clock: ManualClock) -> None:
    for plan in ("basic", "premium"):
        await api.call("POST", CHECKOUTS, json=checkout_body(plan=plan))
        clock.advance(timedelta(seconds=1))
    await api.open(userId="user_123")  # a payment session is no checkout session
    for key in (SECRET, ADMIN, token_of("user_123", clock)):
        user = {} if key not in {SECRET, ADMIN} else {"userId": "user_123"}
        answer = await api.call("GET", CHECKOUTS, key, params=user)
        assert answer.json()["session"]["plan"] == "premium"
    nobody = await api.call("GET", CHECKOUTS, params={"userId": "user_9"})
    told = problem(nobody, 404, "session_not_found")
    assert told["detail"] == "There is no session of user 'user_9'."
    missing = await api.call("GET", CHECKOUTS)
    problem(missing, 400, "invalid_request")
    assert fields_of(missing) == {"userId"}


async def test_a_browser_reads_the_latest_with_its_secret_only(api: Api) -> None:
    await put_price(api, "premium", 2999)
    session, secret = await open_as_browser(api, CHECKOUTS, checkout_body())
    user = {"userId": "user_123"}
    problem(await api.call("GET", CHECKOUTS, PUBLISHABLE, params=user), 404, "session_not_found")
    found = await api.call("GET", CHECKOUTS, PUBLISHABLE, params=user, headers=secret)
    assert found.json() == {"session": session}


async def test_the_older_path_is_the_same_route(api: Api) -> None:
    older = "/api/payments/checkout-session"
    opened = await api.call("POST", older, json=checkout_body())
    assert opened.status_code == 201
    session = opened.json()["session"]
    again = await api.call("POST", CHECKOUTS, json=checkout_body())
    assert again.json()["session"] == session
    found = await api.call("GET", older, params={"userId": "user_123"})
    assert found.json()["session"] == session
    body = {"sessionId": session["sessionId"], "status": "canceled"}
    assert (await api.call("PATCH", older, json=body)).json()["session"]["status"] == "canceled"


async def test_an_idempotency_key_belongs_to_one_path(api: Api, database: Database) -> None:
    """The control is the same path twice: that is one call."""
    once, calls = {"Idempotency-Key": "k-1"}, []
    for path in (CHECKOUTS, CHECKOUTS, "/api/payments/checkout-session"):
        answer = await api.call("POST", path, json=checkout_body(), headers=once)
        assert answer.status_code in {200, 201}, answer.text
        calls.append(await database["idempotency_keys"].count_documents({}))
    assert calls == [1, 1, 2]
