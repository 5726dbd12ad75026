"""Opening payment sessions: everything that is sent comes back, and the same call does it once."""

import asyncio
from datetime import timedelta

import pytest

from service.core.clock import ManualClock
from service.core.errors import InvalidInput
from service.parts import build_rules
from service.storage.database import Database
from tests.sessions.asking import (
    CHECKOUTS,
    CREATE_CHECKOUT,
    PAYMENTS,
    fields_of,
    key_of_another_merchant,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import PUBLISHABLE, SECRET, Api

_FIELDS = {
    "sessionId", "kind", "userId", "email", "eventId", "quantity", "passId", "selectedDate",
    "couponCode", "waitingListId", "plan", "amount", "currency", "provider", "paymentMethod",
    "mode", "providerSessionId", "providerPaymentId", "providerCustomerId", "checkoutUrl",
    "status", "late", "review", "attempts", "version", "metadata", "createdAt", "updatedAt",
    "expiresAt", "completedAt", "intentId",
}  # fmt: skip


async def test_the_reference_documents_own_body_opens_a_session(api: Api) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body())
    assert answer.status_code == 201
    opened = answer.json()
    assert set(opened) == {"session", "clientSecret"}
    session = opened["session"]
    assert set(session) == _FIELDS | {"history"}
    assert session | payment_body() == session
    assert session["kind"] == "payment"
    assert session["provider"] == session["paymentMethod"] == "phonepe"
    assert session["currency"] == "INR"
    assert session["status"] == "pending"
    assert (session["attempts"], session["version"], session["late"]) == (0, 1, False)
    assert session["createdAt"] == "2026-11-21T12:00:00Z"
    assert session["expiresAt"] == "2026-11-21T12:30:00Z"
    assert session["history"] == [
        {
            "at": "2026-11-21T12:00:00Z",
            "from": None,
            "to": "pending",
            "by": "secret:server",
            "eventId": None,
            "reason": None,
        }
    ]


async def test_every_field_that_is_sent_comes_back(api: Api) -> None:
    sent = payment_body(
        email="ada@example.com",
        quantity=3,
        passId="pass_9",
        selectedDate="2026-12-24",
        couponCode="ADVENT",
        waitingListId="list_1",
        plan="gold",
        currency="USD",
        paymentMethod="stripe",
        provider="stripe",
        mode="payment",
        providerSessionId="cs_test_own",
        expiresAt="2026-11-21T14:00:00+01:00",
        metadata={"cart": [1, 2.5, None, {"deep": True}], "note": "Zürich 🎫"},
    )
    answer = await api.call("POST", PAYMENTS, json=sent)
    assert answer.status_code == 201, answer.text
    session = answer.json()["session"]
    assert session | sent | {"expiresAt": "2026-11-21T13:00:00Z"} == session
    read = await api.read(sent["sessionId"])
    assert read == session


async def test_a_browser_is_not_shown_the_history(api: Api) -> None:
    await put_price(api, "event_456", 1000, "INR")
    session, secret = await open_as_browser(api, PAYMENTS, payment_body(sessionId=None))
    assert set(session) == _FIELDS
    path = f"{PAYMENTS}/{session['sessionId']}"
    read = await api.call("GET", path, PUBLISHABLE, headers=secret)
    assert read.json() == {"session": session}


@pytest.mark.parametrize(
    ("provider", "currency"),
    [("razorpay", "INR"), ("phonepe", "INR"), ("upi", "INR"), ("stripe", "USD")],
)
async def test_currency_by_default_is_the_providers(api: Api, provider: str, currency: str) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body(paymentMethod=provider))
    assert answer.json()["session"]["currency"] == currency


@pytest.mark.parametrize("provider", ["phonepe", "upi"])
async def test_a_currency_that_the_provider_can_not_take_is_refused(
    api: Api, provider: str
) -> None:
    body = payment_body(paymentMethod=provider, currency="USD")
    answer = await api.call("POST", PAYMENTS, json=body)
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"currency"}


@pytest.mark.parametrize(
    "expires_at", ["2026-11-21T12:00:00Z", "2026-11-20T12:00:00Z", "2026-11-22T12:00:00.001Z"]
)
async def test_expiry_lies_in_the_next_24_hours(api: Api, expires_at: str) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body(expiresAt=expires_at))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"expiresAt"}
    latest = payment_body(expiresAt="2026-11-22T12:00:00Z")
    assert (await api.call("POST", PAYMENTS, json=latest)).status_code == 201


async def test_the_same_body_again_is_a_replay_in_any_state(api: Api, clock: ManualClock) -> None:
    body = payment_body(expiresAt="2026-11-21T12:10:00Z")
    first = await api.call("POST", PAYMENTS, json=body)
    assert "idempotent-replayed" not in first.headers
    for _ in range(2):
        again = await api.call("POST", PAYMENTS, json=body)
        assert again.status_code == 200
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json()["clientSecret"] == first.json()["clientSecret"]
        clock.advance(timedelta(hours=1))  # expiresAt now lies in the past
    assert again.json()["session"]["sessionId"] == body["sessionId"]
    assert (await api.read(body["sessionId"]))["status"] == "expired"


async def test_the_same_body_is_a_replay_after_its_price_is_gone(api: Api) -> None:
    await put_price(api, "event_456", 1000, "INR")
    body = payment_body()
    _, secret = await open_as_browser(api, PAYMENTS, body)
    await put_price(api, "event_456", 1500, "INR")
    again = await api.call("POST", PAYMENTS, PUBLISHABLE, json=body, headers=secret)
    assert again.status_code == 200, again.text
    assert again.json()["session"]["amount"] == 1000


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 1001},
        {"quantity": 2},
        {"userId": "user_124"},
        {"metadata": {}},
        {"paymentMethod": "razorpay"},
        {"selectedDate": "2026-12-24"},
    ],
)
async def test_another_body_under_the_same_id_is_a_conflict(
    api: Api, changes: dict[str, object]
) -> None:
    await api.call("POST", PAYMENTS, json=payment_body())
    answer = await api.call("POST", PAYMENTS, json=payment_body(**changes))
    problem(answer, 409, "session_exists")
    assert (await api.read("TICKET_1234567890_ABC123"))["version"] == 1


async def test_a_browser_that_meets_a_session_without_its_secret_learns_nothing(api: Api) -> None:
    await put_price(api, "event_456", 1000, "INR")
    body = payment_body()
    await open_as_browser(api, PAYMENTS, body)
    for headers in ({}, {"X-Client-Secret": "wrong"}, {"X-Client-Secret": "ümläut"}):
        answer = await api.http.post(
            PAYMENTS,
            json=body,
            headers=[
                ("authorization", f"Bearer {PUBLISHABLE}"),
                *((name, value.encode("latin-1")) for name, value in headers.items()),
            ],
        )
        told = problem(answer, 409, "session_exists")
        assert "session" not in told
        assert "clientSecret" not in answer.text
        assert "user_123" not in answer.text


async def test_an_id_is_made_where_none_is_given(api: Api) -> None:
    ids = set()
    for _ in range(2):
        answer = await api.call("POST", PAYMENTS, json=payment_body(sessionId=None))
        ids.add(answer.json()["session"]["sessionId"])
    assert len(ids) == 2
    assert all(len(one) <= 40 and one.startswith("ps_") for one in ids)


async def test_concurrent_creates_of_one_id_make_one_document(api: Api, database: Database) -> None:
    answers = await asyncio.gather(
        *(api.call("POST", PAYMENTS, json=payment_body()) for _ in range(40))
    )
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert len({answer.json()["clientSecret"] for answer in answers}) == 1
    assert await database["sessions"].count_documents({}) == 1


async def test_two_merchants_may_use_one_id_and_never_see_each_other(
    api: Api, clock: ManualClock
) -> None:
    other = await key_of_another_merchant(clock)
    assert (await api.call("POST", PAYMENTS, json=payment_body())).status_code == 201
    path = f"{PAYMENTS}/{payment_body()['sessionId']}"
    problem(await api.call("GET", path, other), 404, "session_not_found")
    changed = await api.call(
        "PATCH", PAYMENTS, other, json={"sessionId": payment_body()["sessionId"]}
    )
    problem(changed, 404, "session_not_found")
    theirs = await api.call("POST", PAYMENTS, other, json=payment_body(amount=7))
    assert theirs.status_code == 201
    assert (await api.read(payment_body()["sessionId"]))["amount"] == 1000


@pytest.mark.parametrize("key", ['"order-7"', "order-7"])
async def test_an_idempotency_key_gives_the_first_answer_quoted_or_bare(
    api: Api, database: Database, key: str
) -> None:
    body = payment_body(sessionId=None)
    first = await api.call("POST", PAYMENTS, json=body, headers={"Idempotency-Key": "order-7"})
    again = await api.call("POST", PAYMENTS, json=body, headers={"Idempotency-Key": key})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["idempotent-replayed"] == "true"
    other = await api.call(
        "POST", PAYMENTS, json=body | {"amount": 2}, headers={"Idempotency-Key": key}
    )
    problem(other, 422, "idempotency_key_reused")
    assert await database["sessions"].count_documents({}) == 1


async def test_concurrent_calls_under_one_idempotency_key_open_one_session(
    api: Api, database: Database
) -> None:
    headers = {"Idempotency-Key": "one"}
    body = payment_body(sessionId=None)
    answers = await asyncio.gather(
        *(api.call("POST", PAYMENTS, json=body, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "in_progress")
            assert int(answer.headers["retry-after"]) >= 1
    assert await database["sessions"].count_documents({}) == 1


@pytest.mark.parametrize("key", [SECRET, PUBLISHABLE])
async def test_a_call_that_is_taken_over_after_a_crash_finds_its_session(
    api: Api, database: Database, clock: ManualClock, key: str
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    headers = {"Idempotency-Key": "crashed-3pZlGkAw0sQ8mXv7"}
    body = payment_body(sessionId=None)
    first = await api.call("POST", PAYMENTS, key, json=body, headers=headers)
    # As a process leaves it that is killed between the insert and the stored answer.
    await database["idempotency_keys"].update_one({}, {"$set": {"state": "in_flight"}})
    clock.advance(timedelta(minutes=2))
    again = await api.call("POST", PAYMENTS, key, json=body, headers=headers)
    assert again.status_code == 200, again.text
    assert again.json()["session"]["sessionId"] == first.json()["session"]["sessionId"]
    assert again.json()["clientSecret"] == first.json()["clientSecret"]
    assert await database["sessions"].count_documents({}) == 1


async def test_a_user_opens_sessions_for_themselves_only(api: Api, clock: ManualClock) -> None:
    await put_price(api, "event_456", 1000, "INR")
    token = token_of("user_123", clock)
    opened = await api.call("POST", PAYMENTS, token, json=payment_body(userId=None))
    assert opened.status_code == 201, opened.text
    assert opened.json()["session"]["userId"] == "user_123"
    other = payment_body(sessionId=None, userId="user_124")
    problem(await api.call("POST", PAYMENTS, token, json=other), 403, "change_not_allowed")


async def test_a_key_must_name_the_user(api: Api) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body(userId=None))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"userId"}


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "http://127.0.0.1:8000@evil.example/",
        "http://127.0.0.1:8000.evil.example/",
        "http://[",
        "javascript:alert(1)",
        "//127.0.0.1:8000/",
        "http://127.0.0.1:8000/a\nb",
    ],
)
async def test_an_address_outside_of_our_origins_is_refused(api: Api, url: str) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body(successUrl=url))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"successUrl"}
    fine = payment_body(successUrl="http://127.0.0.1:8000/thanks?x=1")
    assert (await api.call("POST", PAYMENTS, json=fine)).status_code == 201


@pytest.mark.parametrize("url", ["http://localhost:3000/thanks", "http://127.0.0.1:5173/?a=b"])
async def test_in_development_a_page_of_this_machine_may_be_returned_to(api: Api, url: str) -> None:
    back = payment_body(successUrl=url, cancelUrl=url)
    assert (await api.call("POST", PAYMENTS, json=back)).status_code == 201


@pytest.mark.parametrize("url", ["http://localhost:3000/thanks", "http://127.0.0.1:5173/?a=b"])
async def test_control_in_production_it_may_not(api: Api, url: str) -> None:
    settings = api.container.settings
    web = settings.web.model_copy(update={"environment": "production"})
    serving = build_rules(settings.model_copy(update={"web": web}), api.container.providers)
    serving.check_url("successUrl", "http://127.0.0.1:8000/thanks")
    with pytest.raises(InvalidInput):
        serving.check_url("successUrl", url)


async def test_a_subscription_where_none_can_be_opened_is_refused_before_anything_is_written(
    api: Api, database: Database
) -> None:
    answer = await api.call("POST", PAYMENTS, json=payment_body(mode="subscription"))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"mode"}
    assert await database["sessions"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("path", "sent", "missing"),
    [
        (PAYMENTS, {}, {"eventId", "userId", "provider"}),
        (PAYMENTS, {"eventId": "e"}, {"userId", "provider"}),
        (PAYMENTS, {"userId": "u", "paymentMethod": "stripe"}, {"eventId"}),
        (CHECKOUTS, {}, {"email", "plan", "userId", "provider"}),
        (CREATE_CHECKOUT, {}, {"email", "plan", "userId", "provider"}),
        (CREATE_CHECKOUT, {"eventId": "e"}, {"userId", "provider"}),
    ],
)
async def test_all_that_is_missing_is_named_at_once(
    api: Api, path: str, sent: dict[str, str], missing: set[str]
) -> None:
    answer = await api.call("POST", path, json=sent)
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == missing
