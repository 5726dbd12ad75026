"""Rule 14: what a publishable key opens for "their" user is in nobody's way, and nobody's to have.

Rule 21: a repeated call is answered with the client secret only to who could have had it.
"""

from typing import Any

import pytest
from litestar import Litestar
from msgspec.structs import replace

from service.core.clock import ManualClock
from service.core.principal import Kind, Principal
from service.sessions.documents import TRUSTED
from service.sessions.operations.caller import Caller
from service.storage.database import Database
from service.web import gate
from service.web.idempotency import middleware
from tests.sessions.asking import (
    CHECKOUTS,
    CREATE_CHECKOUT,
    PAYMENTS,
    change,
    checkout_body,
    fields_of,
    key_of_another_merchant,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api
from tests.support.keys import issue_key

HOSTILE = checkout_body(email="mallory@example.com", metadata={"ship_to": "mallory"})
RANDOM = "kZ3q0Vh7Nn1LwYc5Td8RbA"  # 22 characters


async def _victims_calls(api: Api, clock: ManualClock) -> dict[str, dict[str, Any]]:
    """What the victim's token, the shop's server and another browser get for the same user."""
    got = {}
    for name, key in (
        ("token", token_of("user_123", clock)),
        ("server", SECRET),
        ("browser", PUBLISHABLE),
    ):
        answer = await api.call("POST", CHECKOUTS, key, json=checkout_body())
        assert answer.status_code in {200, 201}, answer.text
        got[name] = answer.json()["session"]
    return got


async def test_nobody_gets_or_is_blocked_by_what_a_browser_opened_for_them(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "premium", 2999)
    hostile, secret = await open_as_browser(api, CHECKOUTS, HOSTILE)
    got = await _victims_calls(api, clock)
    ids = {name: session["sessionId"] for name, session in got.items()}
    assert hostile["sessionId"] not in ids.values()
    assert ids["token"] == ids["server"] != ids["browser"]
    assert {session["email"] for session in got.values()} == {"ada@example.com"}
    for session_id in ids.values():
        path = f"{PAYMENTS}/{session_id}"
        problem(await api.call("GET", path, PUBLISHABLE, headers=secret), 404, "session_not_found")
        ended = await change(
            api, PUBLISHABLE, sessionId=session_id, status="canceled", headers=secret
        )
        problem(ended, 404, "session_not_found")


async def test_without_the_owner_the_victim_gets_the_hostile_one(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: as it was, when everybody opened as the same owner."""
    monkeypatch.setattr(Caller, "owner_of", lambda self, session_id: TRUSTED)
    await put_price(api, "premium", 2999)
    hostile, _ = await open_as_browser(api, CHECKOUTS, HOSTILE)
    for key in (token_of("user_123", clock), SECRET):
        answer = await api.call("POST", CHECKOUTS, key, json=checkout_body())
        assert answer.json()["session"]["sessionId"] == hostile["sessionId"]


async def test_a_user_sees_lists_and_changes_nothing_that_a_browser_opened_for_them(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "premium", 2999)
    await put_price(api, "event_456", 1000, "INR")
    mine = token_of("user_123", clock)
    own = await api.call("POST", CHECKOUTS, mine, json=checkout_body())
    own_id = own.json()["session"]["sessionId"]
    hostile, _ = await open_as_browser(api, CHECKOUTS, HOSTILE)
    paying, _ = await open_as_browser(api, PAYMENTS, payment_body())
    for session_id in (hostile["sessionId"], paying["sessionId"]):
        for answer in (
            await api.call("GET", f"{PAYMENTS}/{session_id}", mine),
            await change(api, mine, sessionId=session_id, status="canceled"),
            await api.call("POST", CREATE_CHECKOUT, mine, json={"sessionId": session_id}),
        ):
            problem(answer, 404, "session_not_found")
    listed = (await api.call("GET", PAYMENTS, mine)).json()["sessions"]
    assert [session["sessionId"] for session in listed] == [own_id]
    user = {"userId": "user_123"}
    for key in (mine, SECRET):  # a server would act on it as the user's
        latest = await api.call("GET", CHECKOUTS, key, params=user)
        assert latest.json()["session"]["sessionId"] == own_id
    latest = await api.call("GET", CHECKOUTS, ADMIN, params=user)
    assert latest.json()["session"]["sessionId"] == hostile["sessionId"]
    all_of_them = (await api.call("GET", PAYMENTS, SECRET, params=user)).json()["sessions"]
    assert len(all_of_them) == 3


async def test_a_server_does_not_go_on_with_the_very_request_that_a_browser_made(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    body = payment_body()
    _, secret = await open_as_browser(api, PAYMENTS, body)
    for key in (SECRET, token_of("user_123", clock)):
        problem(await api.call("POST", PAYMENTS, key, json=body), 409, "session_exists")
    again = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body, headers=secret)
    assert again.status_code == 200


async def test_a_browser_goes_on_by_its_secret_whoever_else_names_its_user(api: Api) -> None:
    await put_price(api, "premium", 2999)
    await put_price(api, "basic", 999)
    mine, secret = await open_as_browser(api, CHECKOUTS, checkout_body())
    await open_as_browser(api, CHECKOUTS, HOSTILE)
    latest = await api.call(
        "GET", CHECKOUTS, PUBLISHABLE, params={"userId": "user_123"}, headers=secret
    )
    assert latest.json() == {"session": mine}
    for wanted, goes_on in (
        (checkout_body(), True),
        (checkout_body(plan="basic", amount=999), False),
        (checkout_body(userId="user_124"), False),
    ):
        answer = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=wanted, headers=secret)
        assert answer.status_code == (200 if goes_on else 201), answer.text
        assert (answer.json()["session"]["sessionId"] == mine["sessionId"]) is goes_on
    await change(api, sessionId=mine["sessionId"], status="canceled")
    answer = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=checkout_body(), headers=secret)
    assert answer.status_code == 201


async def test_a_retry_is_in_nobody_elses_way(
    api: Api, clock: ManualClock, database: Database
) -> None:
    await put_price(api, "premium", 2999)
    opened = await api.call("POST", CHECKOUTS, json=checkout_body())
    mine = {"sessionId": opened.json()["session"]["sessionId"]}
    await database["sessions"].update_one(mine, {"$set": {"status": "expired"}})
    await open_as_browser(api, CHECKOUTS, HOSTILE)
    answer = await change(api, **mine, status="pending")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", [PAYMENTS, CHECKOUTS, CREATE_CHECKOUT])
async def test_a_browsers_key_that_can_be_guessed_is_refused(
    api: Api, database: Database, path: str
) -> None:
    await put_price(api, "premium", 2999)
    for key in (RANDOM[:21], f'"{RANDOM[:21]}"', "order-1", ""):
        answer = await api.call(
            "POST", path, PUBLISHABLE, json=checkout_body(), headers={"Idempotency-Key": key}
        )
        problem(answer, 400, "invalid_idempotency_key")
        assert fields_of(answer) == {"Idempotency-Key"}
    assert await database["sessions"].count_documents({}) == 0


async def test_only_the_same_call_of_the_same_caller_is_answered_again(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "premium", 2999)
    headers, body = {"Idempotency-Key": RANDOM}, checkout_body()
    first = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body, headers=headers)
    quoted = {"Idempotency-Key": f'"{RANDOM}"'}
    again = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body, headers=quoted)
    assert again.content == first.content
    secret = first.json()["clientSecret"]
    others = [
        (token_of("user_123", clock), CHECKOUTS),
        (SECRET, CHECKOUTS),
        (await key_of_another_merchant(clock), CHECKOUTS),
        (await key_of_another_merchant(clock, Kind.PUBLISHABLE), CHECKOUTS),
        (PUBLISHABLE, "/api/payments/checkout-session"),
    ]
    for key, path in others:
        answer = await api.call("POST", path, key, json=body, headers=headers)
        assert secret not in answer.text
        assert "idempotent-replayed" not in answer.headers or key == SECRET, answer.text


async def test_with_keys_of_any_length_a_stranger_gets_the_secret(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the guard out, a guessed key gives the client secret away."""
    monkeypatch.setattr(gate, "LEAST_PROVING", 1)
    await put_price(api, "premium", 2999)
    headers, body = {"Idempotency-Key": "order-1"}, checkout_body()
    first = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body, headers=headers)
    stranger = await api.call("POST", CHECKOUTS, PUBLISHABLE, json=body, headers=headers)
    assert stranger.json()["clientSecret"] == first.json()["clientSecret"]


async def test_a_secret_key_that_is_rotated_creates_nothing_twice(
    api: Api, clock: ManualClock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotated = (await issue_key(clock, Kind.SECRET)).key
    body, headers = payment_body(sessionId=None), {"Idempotency-Key": "order-7"}
    first = await api.call("POST", PAYMENTS, json=body, headers=headers)
    again = await api.call("POST", PAYMENTS, rotated, json=body, headers=headers)
    assert again.content == first.content
    assert await database["sessions"].count_documents({}) == 1
    # The control: told apart by their keys, they create it twice.
    monkeypatch.setattr(middleware, "_identity", _by_key)
    for key in (SECRET, rotated):
        await api.call("POST", PAYMENTS, key, json=body, headers=headers)
    assert await database["sessions"].count_documents({}) == 3


def _by_key(principal: Principal) -> str:
    return principal.user_id or principal.key_id


async def test_under_another_pepper_nothing_is_answered_again(
    api: Api, app: Litestar, clock: ManualClock, database: Database
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    body, headers = payment_body(sessionId=None), {"Idempotency-Key": RANDOM}
    first = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body, headers=headers)
    services = api.container.services
    changed = replace(
        services, rules=replace(services.rules, pepper="another pepper of a test, long")
    )
    app.state.services = changed
    await database["idempotency_keys"].update_one({}, {"$set": {"state": "in_flight"}})
    clock.advance(middleware.repository.LOCKED_FOR)
    again = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body, headers=headers)
    assert again.json()["session"]["sessionId"] == first.json()["session"]["sessionId"]
    assert again.json()["clientSecret"] is None
