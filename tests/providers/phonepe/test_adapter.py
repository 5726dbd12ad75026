"""Opening, re-reading and the token, against a real server on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.errors import ProviderFailed, ProviderUnreachable
from service.providers.base import CheckoutRequest
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.phonepe.settings import PhonePeSettings
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.providers.phonepe.case import MERCHANT, NOON, settings, sign_callback

TOKEN, PAY = "/v1/oauth/token", "/checkout/v2/pay"
STATUS = "/checkout/v2/order/ps_1/status"
OPENED: Json = {
    "orderId": "OMO123",
    "state": "PENDING",
    "expireAt": int((NOON + timedelta(minutes=20)).timestamp() * 1000),
    "redirectUrl": "https://mercury-uat.phonepe.com/transact/uat_v2?token=x",
}


def token(name: str = "token-1", minutes: int = 20) -> Json:
    """A token that lives for some minutes from noon."""
    ends = int((NOON + timedelta(minutes=minutes)).timestamp())
    return {"access_token": name, "token_type": "O-Bearer", "expires_at": ends, "issued_at": 1}


def attempt(state: str, **changed: object) -> Json:
    """One attempt of the order."""
    return {
        "transactionId": "OM1",
        "paymentMode": "UPI_INTENT",
        "timestamp": 1724866793837,
        "amount": 29900,
        "state": state,
        **changed,
    }


def order(state: str, *attempts: Json, **changed: object) -> Json:
    """The answer of the status API."""
    return {
        "orderId": "OMO123",
        "state": state,
        "amount": 29900,
        "expireAt": 1724866793837,
        "metaInfo": {"udf1": "ps_1", "udf2": "default"},
        "paymentDetails": list(attempts),
        **changed,
    }


def request(**changed: object) -> CheckoutRequest:
    """A request to open a checkout of twenty minutes; some fields changed."""
    given: dict[str, object] = {
        "session_id": "ps_1",
        "merchant_id": "default",
        "attempt_id": "ps_1",
        "idempotency_key": "ps_1:1",
        "kind": "checkout",
        "mode": "payment",
        "amount": 29900,
        "currency": "INR",
        "quantity": 1,
        "description": "A pass",
        "expires_at": NOON + timedelta(minutes=20),
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
    }
    return CheckoutRequest(**{**given, **changed})  # type: ignore[arg-type]


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake of PhonePe's API that gives tokens."""
    async with fake_api() as running:
        yield running


@pytest.fixture
def now() -> ManualClock:
    """A clock at noon."""
    return ManualClock(NOON)


@pytest_asyncio.fixture
async def provider(api: FakeApi, now: ManualClock) -> AsyncIterator[PhonePeProvider]:
    """The adapter, pointed at the fake."""
    adapter = PhonePeProvider(settings(api_base=api.base), now)
    yield adapter
    await adapter.aclose()


async def test_a_checkout_opens_an_order(api: FakeApi, provider: PhonePeProvider) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("POST", PAY, OPENED)
    opened = await provider.open_checkout(request())
    assert opened.ref == "ps_1"
    assert opened.url == OPENED["redirectUrl"]
    assert opened.expires_at == NOON + timedelta(minutes=20)
    asked, paid = api.received
    assert asked.form() == {
        "client_id": "TILLGATE_UAT",
        "client_version": "1",
        "client_secret": "phonepe-client-secret",
        "grant_type": "client_credentials",
    }
    assert paid.headers["authorization"] == "O-Bearer token-1"
    assert paid.json() == {
        "merchantOrderId": "ps_1",
        "amount": 29900,
        "expireAfter": 1200,
        "metaInfo": {"udf1": "ps_1", "udf2": "default"},
        "paymentFlow": {
            "type": "PG_CHECKOUT",
            "merchantUrls": {"redirectUrl": "https://shop.example/thanks"},
        },
    }


@pytest.mark.parametrize(("minutes", "sent"), [(1, 300), (-5, 300), (24 * 60, 3600)])
async def test_an_order_lives_as_long_as_phonepe_allows(
    api: FakeApi, provider: PhonePeProvider, minutes: int, sent: int
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("POST", PAY, OPENED)
    await provider.open_checkout(request(expires_at=NOON + timedelta(minutes=minutes)))
    assert api.last().json()["expireAfter"] == sent


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"amount": 99}, "100 paise"),
        ({"currency": "USD"}, "INR only"),
        ({"mode": "subscription"}, "subscriptions"),
    ],
)
async def test_what_phonepe_can_not_take_is_refused_before_any_call(
    api: FakeApi, provider: PhonePeProvider, changed: dict[str, object], message: str
) -> None:
    with pytest.raises(ProviderFailed, match=message) as caught:
        await provider.open_checkout(request(**changed))
    assert caught.value.definite
    assert api.calls() == []


async def test_one_token_serves_until_shortly_before_its_end(
    api: FakeApi, provider: PhonePeProvider, now: ManualClock
) -> None:
    api.answer("POST", TOKEN, token(), token("token-2", minutes=60))
    api.answer("GET", STATUS, order("PENDING"))
    await provider.fetch("ps_1")
    now.advance(timedelta(minutes=18))
    await provider.fetch("ps_1")
    assert api.calls().count(("POST", TOKEN)) == 1
    now.advance(timedelta(minutes=1, seconds=1))
    await provider.fetch("ps_1")
    assert api.calls().count(("POST", TOKEN)) == 2
    assert api.last().headers["authorization"] == "O-Bearer token-2"


async def test_many_callers_at_once_fetch_one_token(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, order("PENDING"))
    await asyncio.gather(*(provider.fetch("ps_1") for _ in range(10)))
    assert api.calls().count(("POST", TOKEN)) == 1
    assert api.calls().count(("GET", STATUS)) == 10


async def test_a_token_that_was_withdrawn_is_renewed_once(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", TOKEN, token(), token("token-2"))
    api.answer("GET", STATUS, (401, {"code": "UNAUTHORIZED"}), order("PENDING"))
    await provider.fetch("ps_1")
    assert api.last().headers["authorization"] == "O-Bearer token-2"


async def test_a_token_that_is_never_taken_is_told(api: FakeApi, provider: PhonePeProvider) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, (401, {"code": "UNAUTHORIZED"}))
    with pytest.raises(ProviderFailed, match="UNAUTHORIZED"):
        await provider.fetch("ps_1")
    assert len(api.calls()) == 4


@pytest.mark.parametrize(
    ("answer", "kinds", "event_id"),
    [
        (order("COMPLETED", attempt("COMPLETED")), [PaymentSucceeded], "COMPLETED"),
        (order("PENDING"), [CheckoutOpen], "PENDING"),
        (order("PENDING", attempt("FAILED")), [CheckoutOpen], "PENDING:OM1:FAILED"),
        (order("PENDING", attempt("PENDING")), [PaymentProcessing], "PENDING:OM1:PENDING"),
        (order("FAILED", attempt("FAILED")), [PaymentFailed, CheckoutFailed], "FAILED"),
        (order("FAILED", errorCode="ORDER_EXPIRED"), [CheckoutExpired], "FAILED"),
    ],
)
async def test_an_order_tells_what_was_found(
    api: FakeApi, provider: PhonePeProvider, answer: Json, kinds: list[type], event_id: str
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, answer)
    event = await provider.fetch("ps_1")
    assert [type(fact) for fact in event.facts] == kinds
    assert event.event_id == f"fetch:ps_1:{event_id}"
    assert event.subject.sent_ids == ("ps_1",)
    assert event.subject.merchant_id == "default"
    assert event.needs_confirmation is None
    assert api.last().query == {"details": "false"}
    assert provider.translate_stored(event.event_id, event.payload) == event


@pytest.mark.parametrize("ref", ["", "a/b", "../x", "a?b=c", "é", "x" * 64])
async def test_a_foreign_ref_is_refused_before_any_call(
    api: FakeApi, provider: PhonePeProvider, ref: str
) -> None:
    with pytest.raises(ProviderFailed):
        await provider.fetch(ref)
    assert api.calls() == []


async def test_an_unreadable_order_is_no_finding(api: FakeApi, provider: PhonePeProvider) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, order("COMPLETED", amount="29900"))
    with pytest.raises(ProviderUnreachable):
        await provider.fetch("ps_1")


@pytest.mark.parametrize(
    ("answer", "closed", "told"),
    [
        (order("PENDING"), False, None),
        (order("PENDING", attempt("PENDING")), False, PaymentProcessing),
        (order("COMPLETED", attempt("COMPLETED")), True, PaymentSucceeded),
        (order("FAILED", attempt("FAILED")), True, None),
    ],
)
async def test_closing_tells_what_became_of_the_order(
    api: FakeApi, provider: PhonePeProvider, answer: Json, closed: bool, told: type | None
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, answer)
    found = await provider.close_checkout("ps_1")
    assert found.closed is closed
    assert (found.event and type(found.event.facts[0])) == told


async def test_a_used_order_id_is_a_definite_refusal(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("POST", PAY, (400, {"code": "BAD_REQUEST", "message": "Duplicate order id"}))
    with pytest.raises(ProviderFailed, match="Duplicate order id") as caught:
        await provider.open_checkout(request(repeated=True))
    assert caught.value.definite


async def test_an_opened_order_without_a_page_leaves_the_outcome_open(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", TOKEN, token())
    api.answer("POST", PAY, {"orderId": "OMO123"})
    with pytest.raises(ProviderUnreachable):
        await provider.open_checkout(request())


async def test_a_token_answer_without_a_token_is_told(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", TOKEN, {"expires_at": 1})
    with pytest.raises(ProviderUnreachable, match="no access token"):
        await provider.fetch("ps_1")


async def test_a_server_error_is_definite(api: FakeApi, provider: PhonePeProvider) -> None:
    api.answer("POST", TOKEN, (500, b"oops"))
    with pytest.raises(ProviderFailed, match="500") as caught:
        await provider.open_checkout(request())
    assert caught.value.definite
    assert "phonepe-client-secret" not in str(caught.value)


async def test_a_closed_port_leaves_the_outcome_open(now: ManualClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    adapter = PhonePeProvider(settings(api_base=base), now)
    with pytest.raises(ProviderUnreachable):
        await adapter.open_checkout(request())
    await adapter.aclose()


async def test_the_token_may_come_from_another_address(api: FakeApi, now: ManualClock) -> None:
    both = settings(api_base=f"{api.base}/apis/pg", auth_base=f"{api.base}/identity")
    adapter = PhonePeProvider(both, now)
    api.answer("POST", "/identity/v1/oauth/token", token())
    api.answer("GET", f"/apis/pg{STATUS}", order("PENDING"))
    await adapter.fetch("ps_1")
    await adapter.aclose()


async def test_with_a_salt_only_the_status_of_v1_is_asked(api: FakeApi, now: ManualClock) -> None:
    old = settings(client_id=None, api_base=f"{api.base}/apis/pg")
    adapter = PhonePeProvider(old, now)
    path = f"/pg/v1/status/{MERCHANT}/ps_1"
    data: Json = {
        "merchantTransactionId": "ps_1",
        "amount": 29900,
        "state": "PENDING",
        "paymentInstrument": None,
    }
    paid = {**data, "state": "COMPLETED", "paymentInstrument": {"type": "UPI"}}
    api.answer(
        "GET",
        f"/apis/hermes{path}",
        {"code": "TRANSACTION_NOT_FOUND", "data": None},
        {"code": "PAYMENT_PENDING", "data": data},
        {"code": "PAYMENT_SUCCESS", "data": paid},
        {"code": "PAYMENT_SUCCESS", "data": {**paid, "merchantTransactionId": "ps_2"}},
    )
    found = [await adapter.fetch("ps_1") for _ in range(3)]
    assert [type(event.facts[0]) for event in found] == [
        CheckoutOpen,
        CheckoutOpen,
        PaymentSucceeded,
    ]
    assert len({event.event_id for event in found}) == 3
    with pytest.raises(ProviderUnreachable):
        await adapter.fetch("ps_1")
    headers = api.last().headers
    assert headers["x-merchant-id"] == MERCHANT
    assert headers["x-verify"] == sign_path(path)
    await adapter.aclose()


async def test_in_its_test_environment_v1_has_the_same_address(
    api: FakeApi, now: ManualClock
) -> None:
    adapter = PhonePeProvider(settings(client_id=None, api_base=f"{api.base}/apis/pg-sandbox"), now)
    path = f"/apis/pg-sandbox/pg/v1/status/{MERCHANT}/ps_1"
    api.answer("GET", path, {"code": "TRANSACTION_NOT_FOUND", "data": None})
    await adapter.fetch("ps_1")
    assert api.calls() == [("GET", path)]
    await adapter.aclose()


async def test_what_v2_does_not_know_is_asked_of_v1(api: FakeApi, now: ManualClock) -> None:
    adapter = PhonePeProvider(settings(api_base=api.base), now)
    v1 = f"/pg/v1/status/{MERCHANT}/ps_1"
    paid: Json = {"merchantTransactionId": "ps_1", "amount": 29900, "state": "COMPLETED"}
    unknown: Json = {"code": "INVALID_MERCHANT_ORDER_ID", "message": "No entry found"}
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, (400, unknown), (404, unknown), (403, unknown), order("PENDING"))
    answers: list[Json] = [
        {"code": "PAYMENT_SUCCESS", "data": paid},
        {"code": "TRANSACTION_NOT_FOUND", "data": None},
    ]
    api.answer("GET", v1, *answers)
    event = await adapter.fetch("ps_1")
    assert [type(fact) for fact in event.facts] == [PaymentSucceeded]
    assert adapter.translate_stored(event.event_id, event.payload) == event
    for _ in range(2):  # neither knows it; and one that does not say whether it does
        with pytest.raises(ProviderFailed, match="No entry found"):
            await adapter.fetch("ps_1")
    assert api.calls().count(("GET", v1)) == 2
    await adapter.fetch("ps_1")
    assert api.calls().count(("GET", v1)) == 2
    await adapter.aclose()


async def test_control_without_v1_it_stays_unknown(api: FakeApi, now: ManualClock) -> None:
    adapter = PhonePeProvider(settings(api_base=api.base), now)
    adapter._has_v1 = False
    api.answer("POST", TOKEN, token())
    api.answer("GET", STATUS, (404, {"code": "INVALID_MERCHANT_ORDER_ID", "message": "No entry"}))
    with pytest.raises(ProviderFailed, match="No entry"):
        await adapter.fetch("ps_1")
    assert [path for _, path in api.calls() if path.startswith("/pg/v1/")] == []
    await adapter.aclose()


def sign_path(path: str) -> str:
    """Sign a path of v1: the arithmetic is that of a callback's response."""
    return sign_callback(b'{"response": "%s"}' % path.encode(), NOON)["x-verify"]


async def test_without_any_credential_nothing_is_called(api: FakeApi, now: ManualClock) -> None:
    bare = settings(client_id=None, salt_key=None, api_base=api.base)
    adapter = PhonePeProvider(bare, now)
    with pytest.raises(ProviderFailed, match="PHONEPE_CLIENT_ID"):
        await adapter.open_checkout(request())
    with pytest.raises(ProviderFailed, match="PHONEPE_SALT_KEY"):
        await adapter.fetch("ps_1")
    assert api.calls() == []
    await adapter.aclose()


@pytest.mark.parametrize(
    ("changed", "receives"),
    [
        ({}, True),
        ({"salt_key": None}, True),
        ({"webhook_password": None}, True),
        ({"salt_key": None, "webhook_username": None}, False),
    ],
)
def test_webhooks_need_a_secret(
    now: ManualClock, changed: dict[str, object], receives: bool
) -> None:
    assert PhonePeProvider(settings(**changed), now).receives_webhooks is receives


@pytest.mark.parametrize(
    ("base", "live"),
    [
        ("https://api.phonepe.com/apis/pg", True),
        ("https://api-preprod.phonepe.com/apis/pg-sandbox", False),
        ("http://127.0.0.1:8000/sandbox/phonepe", False),
        ("http://localhost:8000", False),
        ("https://pay.example.com/sandbox/phonepe", False),
        ("https://proxy.example.com/phonepe", None),
    ],
)
def test_the_address_tells_the_mode(base: str, live: bool | None) -> None:
    assert PhonePeSettings(PHONEPE_API_BASE=base).live is live
