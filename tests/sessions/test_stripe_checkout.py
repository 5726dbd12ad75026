"""A session and its checkout at Stripe: opened once, linked, closed before another stands."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.settings import Settings
from service.storage.database import Database
from tests.providers.stripe.answers import CREATE, checkout
from tests.providers.stripe.fake import FakeStripe, fake_stripe
from tests.sessions.asking import (
    CREATE_CHECKOUT,
    change,
    checkout_body,
    fields_of,
    open_as_browser,
    payment_body,
    problem,
    put_price,
)
from tests.support.api import PUBLISHABLE, SECRET, Api
from tests.support.settings import make_settings

_ID = "s-1"
_BODY = checkout_body(sessionId=_ID)


@pytest_asyncio.fixture
async def stripe() -> AsyncIterator[FakeStripe]:
    """A stand-in for Stripe on loopback."""
    async with fake_stripe() as fake:
        yield fake


@pytest.fixture
def settings(stripe: FakeStripe) -> Settings:
    """Settings whose Stripe is the stand-in, and that have no UPI."""
    return make_settings(STRIPE_API_BASE=stripe.url, UPI_PAYEE_ADDRESS="")


def _opens(stripe: FakeStripe, n: int = 1, amount: int = 2999, **more: Any) -> None:
    """Answer the next opening with a checkout of that number."""
    ref = f"cs_test_{n}"
    url = f"https://checkout.stripe.com/c/pay/{ref}"
    found = checkout(id=ref, url=url, amount_total=amount, currency="usd", expires_at=None)
    stripe.will_answer(CREATE, found | more)


def _closes(stripe: FakeStripe, n: int = 1) -> None:
    stripe.will_answer(f"POST /v1/checkout/sessions/cs_test_{n}/expire", {"status": "expired"})


def _was_paid(stripe: FakeStripe, n: int = 1) -> None:
    """Refuse to expire a checkout, and tell that it was paid."""
    ref = f"cs_test_{n}"
    stripe.will_refuse(f"POST /v1/checkout/sessions/{ref}/expire", 400, message="not open")
    paid = checkout(
        id=ref,
        status="complete",
        payment_status="paid",
        payment_intent="pi_1",
        amount_total=2999,
        currency="usd",
        client_reference_id=_ID,
        metadata={"sessionId": _ID, "merchantId": "default"},
        livemode=False,
    )
    stripe.will_answer(f"GET /v1/checkout/sessions/{ref}", paid)


def _asked(stripe: FakeStripe, route: str = CREATE) -> list[dict[str, str]]:
    return [
        one.params | {"key": one.headers.get("idempotency-key", "")}
        for one in stripe.asked
        if f"{one.method} {one.path}" == route
    ]


async def _create(api: Api, key: str = SECRET, **changes: Any) -> Any:
    return await api.call("POST", CREATE_CHECKOUT, key, json=_BODY | changes)


async def _resume(api: Api) -> Any:
    return await api.call("POST", CREATE_CHECKOUT, json={"sessionId": _ID})


async def test_a_checkout_is_opened_and_linked(
    api: Api, stripe: FakeStripe, database: Database
) -> None:
    _opens(stripe)
    answer = await _create(api)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert opened | {"clientSecret": ""} == {
        "sessionId": _ID,
        "status": "pending",
        "amount": 2999,
        "currency": "USD",
        "checkoutScript": None,
        "checkoutUrl": "https://checkout.stripe.com/c/pay/cs_test_1",
        "provider": "stripe",
        "providerSessionId": "cs_test_1",
        "expiresAt": "2026-11-22T12:00:00Z",
        "clientSecret": "",
        "qrCode": None,
    }
    session = await api.read(_ID)
    assert session["providerSessionId"] == "cs_test_1"
    assert session["checkoutUrl"] == opened["checkoutUrl"]
    assert (session["attempts"], session["status"]) == (1, "pending")
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert [(one["ref"], one["n"]) for one in stored["checkouts"]] == [("cs_test_1", 1)]
    assert stored["opening"] is None
    sent = _asked(stripe)[0]
    assert sent["metadata[checkoutSessionId]"] == sent["client_reference_id"] == _ID
    assert sent["key"] == "tillgate:default:s-1:1"


async def test_a_repeated_call_gives_the_same_address(api: Api, stripe: FakeStripe) -> None:
    _opens(stripe)
    first = await _create(api)
    for again in (await _create(api), await _resume(api)):
        assert again.status_code == 200
        assert again.json() == first.json()
    assert len(_asked(stripe)) == 1


@pytest.mark.parametrize("path", [CREATE_CHECKOUT, "/api/payment/create-checkout-session"])
async def test_a_payment_session_gets_its_checkout_by_either_path(
    api: Api, stripe: FakeStripe, path: str
) -> None:
    _opens(stripe, amount=1000)
    body = payment_body(paymentMethod="stripe", currency="USD")
    answer = await api.call("POST", path, json=body)
    assert answer.status_code == 201, answer.text
    assert (await api.read(body["sessionId"]))["kind"] == "payment"


@pytest.mark.parametrize(
    ("expires_at", "at_provider"),
    [
        ("2026-11-21T12:05:00Z", datetime(2026, 11, 21, 12, 31, tzinfo=UTC)),
        ("2026-11-21T15:00:00Z", datetime(2026, 11, 21, 15, 0, tzinfo=UTC)),
    ],
)
async def test_the_provider_gets_31_minutes_at_least(
    api: Api, stripe: FakeStripe, expires_at: str, at_provider: datetime
) -> None:
    _opens(stripe)
    answer = await _create(api, expiresAt=expires_at)
    assert answer.json()["expiresAt"] == expires_at
    # Stripe counts from its own clock: the adapter leaves it half a minute.
    assert int(_asked(stripe)[0]["expires_at"]) == int(at_provider.timestamp()) - 30


async def test_concurrent_openers_call_the_provider_once(api: Api, stripe: FakeStripe) -> None:
    _opens(stripe)
    answers = await asyncio.gather(*(_create(api) for _ in range(20)))
    assert len(_asked(stripe)) == 1
    urls = {one.json()["checkoutUrl"] for one in answers if one.status_code in {200, 201}}
    assert urls == {"https://checkout.stripe.com/c/pay/cs_test_1"}
    for one in answers:
        if one.status_code not in {200, 201}:
            problem(one, 409, "in_progress")
            assert int(one.headers["retry-after"]) >= 1


async def test_after_a_definite_failure_the_next_number_is_taken(
    api: Api, stripe: FakeStripe, clock: ManualClock
) -> None:
    for _ in range(2):  # the library tries a 5xx twice
        stripe.will_refuse(CREATE, 500, message="oops")
    _opens(stripe)
    problem(await _create(api), 502, "provider_failed")
    assert (await api.read(_ID))["attempts"] == 0
    clock.advance(timedelta(minutes=40))
    assert (await _resume(api)).status_code == 201
    sent = _asked(stripe)
    assert [one["key"][-2:] for one in sent] == [":1", ":1", ":2"]
    # The new attempt has its own 31 minutes, and is the session's first checkout.
    assert int(sent[2]["expires_at"]) >= int(clock.now().timestamp()) + 30 * 60
    assert (await api.read(_ID))["attempts"] == 1


async def test_after_a_timeout_the_same_attempt_is_repeated_to_the_letter(
    api: Api, stripe: FakeStripe, clock: ManualClock
) -> None:
    stripe.will("hang up", CREATE)
    stripe.will("hang up", CREATE)
    _opens(stripe)
    answer = await _create(api, expiresAt="2026-11-21T12:20:00Z")
    problem(answer, 504, "provider_unreachable")
    assert int(answer.headers["retry-after"]) >= 1
    clock.advance(timedelta(minutes=5))
    assert (await _resume(api)).status_code == 201
    first, *_, last = _asked(stripe)
    assert first == last
    assert last["key"] == "tillgate:default:s-1:1"


async def test_an_attempt_that_is_over_is_not_repeated(
    api: Api, stripe: FakeStripe, clock: ManualClock
) -> None:
    stripe.will("hang up", CREATE)
    stripe.will("hang up", CREATE)
    _opens(stripe, 2)
    await _create(api, expiresAt="2026-11-21T12:20:00Z")
    clock.advance(timedelta(minutes=45))
    assert (await _resume(api)).status_code == 201
    last = _asked(stripe)[-1]
    assert re.fullmatch(r"tillgate:default:s-1-2-[\w-]{10}:2", last["key"])
    assert int(last["expires_at"]) > int(clock.now().timestamp())


@pytest.mark.parametrize("wrong", [{"amount": 2998}, {"currency": "eur"}])
async def test_a_checkout_over_another_price_is_not_handed_out_and_is_closed(
    api: Api, stripe: FakeStripe, wrong: dict[str, Any]
) -> None:
    _opens(stripe, 1, **wrong)
    _opens(stripe, 2)
    _closes(stripe, 1)
    told = problem(await _create(api), 502, "provider_failed")
    assert "checkout.stripe.com" not in str(told)
    session = await api.read(_ID)
    assert (session["checkoutUrl"], session["attempts"]) == (None, 0)
    await api.settle()
    assert len(_asked(stripe, "POST /v1/checkout/sessions/cs_test_1/expire")) == 1
    again = await _resume(api)
    assert again.json()["providerSessionId"] == "cs_test_2"


async def test_a_browser_gets_the_catalogs_price_and_its_own_secret(
    api: Api, stripe: FakeStripe
) -> None:
    await put_price(api, "premium", 2999)
    _opens(stripe)
    body = checkout_body(amount=None)
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    secret = {"X-Client-Secret": opened["clientSecret"]}
    resumed = {"sessionId": opened["sessionId"]}
    problem(
        await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=resumed),
        404,
        "session_not_found",
    )
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=resumed, headers=secret)
    assert again.json() == opened


async def test_a_browser_whose_call_failed_at_the_provider_tries_again_under_its_key(
    api: Api, stripe: FakeStripe
) -> None:
    await put_price(api, "premium", 2999)
    stripe.will_refuse(CREATE, 400, message="no")
    _opens(stripe)
    body, headers = checkout_body(amount=None), {"Idempotency-Key": "again-3pZlGkAw0sQ8mXv7"}
    first = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body, headers=headers)
    problem(first, 502, "provider_failed")
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body, headers=headers)
    assert again.status_code == 201, again.text


async def test_retry_of_an_expired_session_closes_the_older_checkout_first(
    api: Api, stripe: FakeStripe, clock: ManualClock, database: Database
) -> None:
    _opens(stripe, 1)
    _opens(stripe, 2)
    _closes(stripe)
    await _create(api)
    clock.advance(timedelta(hours=25))
    answer = await _resume(api)
    assert answer.json()["providerSessionId"] == "cs_test_2"
    paths = [one.path for one in stripe.asked]
    create = "/v1/checkout/sessions"
    assert paths[:3] == [create, f"{create}/cs_test_1/expire", create]
    session = await api.read(_ID)
    assert (session["status"], session["attempts"]) == ("pending", 2)
    assert session["expiresAt"] == "2026-11-23T13:00:00Z"
    assert [move["to"] for move in session["history"]] == ["pending", "expired", "pending"]
    assert re.fullmatch(r"tillgate:default:s-1-2-[\w-]{10}:2", _asked(stripe)[1]["key"])
    stored = await database["sessions"].find_one({})
    assert stored is not None
    assert [one["ref"] for one in stored["checkouts"]] == ["cs_test_1", "cs_test_2"]


async def test_retry_of_a_session_whose_older_checkout_was_paid_completes_it(
    api: Api, stripe: FakeStripe, clock: ManualClock
) -> None:
    _opens(stripe)
    _was_paid(stripe)
    await _create(api)
    clock.advance(timedelta(hours=25))
    problem(await _resume(api), 409, "not_payable")
    session = await api.read(_ID)
    # The retry had opened it again before the older checkout was asked about.
    assert (session["status"], session["late"]) == ("completed", False)
    assert [move["to"] for move in session["history"]][1:] == ["expired", "pending", "completed"]
    assert len(_asked(stripe)) == 1


async def test_cancel_closes_the_checkout_at_the_provider_first(
    api: Api, stripe: FakeStripe
) -> None:
    _opens(stripe)
    _closes(stripe)
    await _create(api)
    answer = await change(api, sessionId=_ID, status="canceled")
    assert answer.json()["session"]["status"] == "canceled"
    assert len(_asked(stripe, "POST /v1/checkout/sessions/cs_test_1/expire")) == 1


async def test_cancel_of_a_session_that_was_paid_completes_it_instead(
    api: Api, stripe: FakeStripe, database: Database
) -> None:
    _opens(stripe)
    _was_paid(stripe)
    await _create(api)
    problem(await change(api, sessionId=_ID, status="canceled"), 409, "illegal_move")
    session = await api.read(_ID)
    assert (session["status"], session["providerPaymentId"]) == ("completed", "pi_1")
    assert session["late"] is False
    assert await database["payments"].count_documents({"status": "succeeded"}) == 1


async def test_a_cancel_that_is_refused_closes_nothing(api: Api, stripe: FakeStripe) -> None:
    _opens(stripe)
    opened = (await _create(api)).json()
    stale = await change(api, sessionId=_ID, status="canceled", version=99)
    problem(stale, 409, "stale_version")
    await put_price(api, "premium", 2999)
    secret = {"X-Client-Secret": "wrong"}
    wrong = await change(api, PUBLISHABLE, sessionId=_ID, status="canceled", headers=secret)
    problem(wrong, 404, "session_not_found")
    own = {"X-Client-Secret": opened["clientSecret"]}
    paid = {"status": "canceled", "providerPaymentId": "pi_1"}
    settling = await change(api, PUBLISHABLE, sessionId=_ID, headers=own, **paid)
    problem(settling, 403, "change_not_allowed")
    assert len(stripe.asked) == 1


async def test_cancel_while_the_provider_is_down_is_finished_by_the_outbox(
    api: Api, stripe: FakeStripe, clock: ManualClock, database: Database
) -> None:
    _opens(stripe)
    expire = "POST /v1/checkout/sessions/cs_test_1/expire"
    for _ in range(2):
        stripe.will_refuse(expire, 503, message="down")
    stripe.will_answer(expire, {"status": "expired"})
    await _create(api)
    answer = await change(api, sessionId=_ID, status="canceled")
    assert answer.json()["session"]["status"] == "canceled"
    row = await database["outbox"].find_one({"topic": "provider.close_checkout"})
    assert row is not None
    assert (row["status"], row["payload"]["ref"]) == ("pending", "cs_test_1")
    await api.settle()
    row = await database["deliveries"].find_one({"topic": "provider.close_checkout"})
    assert row is not None
    assert row["status"] == "done"


async def test_a_session_that_is_canceled_while_its_checkout_opens_closes_it_again(
    api: Api, stripe: FakeStripe, database: Database
) -> None:
    opened = await api.call("POST", "/api/checkout-sessions", json=_BODY)
    assert opened.status_code == 201
    gate = asyncio.Event()
    _opens(stripe)
    _closes(stripe)
    stripe.gate = gate
    opening = asyncio.create_task(_resume(api))
    await stripe.hanging.wait()
    try:
        canceled = await change(api, sessionId=_ID, status="canceled")
    finally:
        gate.set()
    assert canceled.status_code == 200
    await opening
    session = await api.read(_ID)
    assert session["status"] == "canceled"
    await api.settle()
    assert len(_asked(stripe, "POST /v1/checkout/sessions/cs_test_1/expire")) == 1


async def test_settling_by_hand_closes_the_checkout(api: Api, stripe: FakeStripe) -> None:
    _opens(stripe)
    _closes(stripe)
    await _create(api)
    await change(api, sessionId=_ID, status="completed")
    await api.settle()
    assert len(_asked(stripe, "POST /v1/checkout/sessions/cs_test_1/expire")) == 1


async def test_a_provider_without_credentials_is_named_before_anything_is_written(
    api: Api, database: Database
) -> None:
    body = payment_body(paymentMethod="upi")
    answer = await api.call("POST", CREATE_CHECKOUT, json=body)
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"provider"}
    assert await database["sessions"].count_documents({}) == 0


async def test_an_ended_session_can_not_be_paid(api: Api) -> None:
    await api.call("POST", "/api/checkout-sessions", json=_BODY)
    await change(api, sessionId=_ID, status="completed")
    problem(await _resume(api), 409, "not_payable")
    problem(await _create(api), 409, "not_payable")


async def test_the_secret_of_one_session_opens_no_other(api: Api, stripe: FakeStripe) -> None:
    await put_price(api, "premium", 2999)
    await put_price(api, "basic", 999)
    _, secret = await open_as_browser(
        api, "/api/checkout-sessions", checkout_body(plan="basic", amount=None)
    )
    await api.call("POST", "/api/checkout-sessions", json=_BODY)
    resumed = {"sessionId": _ID}
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=resumed, headers=secret)
    problem(answer, 404, "session_not_found")
