"""Checkouts at Razorpay, PhonePe and by UPI, and what asking the provider makes of a session."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.providers.signing import hmac_sha256_hex
from service.settings import Settings
from service.storage.database import Database
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.sessions.asking import (
    CREATE_CHECKOUT,
    change,
    checkout_body,
    fields_of,
    open_as_browser,
    payment_body,
    problem,
    put_price,
    token_of,
)
from tests.support.api import PUBLISHABLE, Api
from tests.support.settings import make_settings

_VERIFY = "/api/payment/verify-checkout-session"
_KEY_SECRET = "razorpay-key-secret-0123"
_ORDER, _LINK, _PAYMENT = "order_DESlLckIVRkHWj", "plink_Qb2gHrKr01Maky", "pay_DESlfW9H8K9uqM"
_NOTES: Json = {"sessionId": "s-1", "merchantId": "default"}


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[FakeApi]:
    """A stand-in for Razorpay or PhonePe on loopback."""
    async with fake_api() as fake:
        yield fake


@pytest.fixture
def settings(provider: FakeApi) -> Settings:
    """Settings whose providers are the stand-in."""
    return make_settings(
        RAZORPAY_API_BASE=provider.base,
        RAZORPAY_KEY_SECRET=_KEY_SECRET,
        PHONEPE_API_BASE=provider.base,
    )


def _payment(**changes: Any) -> dict[str, Any]:
    usual = {"sessionId": "s-1", "paymentMethod": "razorpay", "metadata": None}
    return payment_body(**(usual | changes))


def _order(status: str = "created", **more: Any) -> Json:
    return {
        "id": _ORDER,
        "entity": "order",
        "amount": 1000,
        "currency": "INR",
        "receipt": "s-1",
        "status": status,
        "notes": _NOTES,
        "created_at": 1795262400,
    } | more


def _captured(**more: Any) -> Json:
    return {
        "id": _PAYMENT,
        "entity": "payment",
        "amount": 1000,
        "currency": "INR",
        "status": "captured",
        "captured": True,
        "order_id": _ORDER,
        "method": "upi",
        "notes": _NOTES,
        "created_at": 1795262400,
    } | more


def _is_paid(provider: FakeApi) -> None:
    provider.answer("GET", f"/v1/orders/{_ORDER}", _order("paid"))
    provider.answer("GET", f"/v1/orders/{_ORDER}/payments", {"items": [_captured()]})


async def _open_order(api: Api, provider: FakeApi) -> dict[str, Any]:
    provider.answer("POST", "/v1/orders", _order())
    answer = await api.call("POST", CREATE_CHECKOUT, json=_payment())
    assert answer.status_code == 201, answer.text
    opened: dict[str, Any] = answer.json()
    return opened


async def test_razorpay_opens_an_order_that_the_page_draws(api: Api, provider: FakeApi) -> None:
    opened = await _open_order(api, provider)
    assert (opened["checkoutUrl"], opened["providerSessionId"]) == (None, _ORDER)
    sent = provider.last().json()
    assert (sent["amount"], sent["receipt"], sent["notes"]) == (
        1000,
        "s-1",
        _NOTES | {"userId": "user_123"},
    )
    again = await api.call("POST", CREATE_CHECKOUT, json={"sessionId": "s-1"})
    assert (again.status_code, again.json()) == (200, opened)
    assert len(provider.received) == 1


async def test_razorpay_opens_a_link_for_a_checkout_session(api: Api, provider: FakeApi) -> None:
    link: Json = {
        "id": _LINK,
        "amount": 2999,
        "currency": "INR",
        "reference_id": "s-1",
        "short_url": "https://rzp.io/i/nxrHnLJ",
        "status": "created",
        "notes": _NOTES,
    }
    provider.answer("POST", "/v1/payment_links", link)
    body = checkout_body(sessionId="s-1", provider="razorpay", currency="INR")
    answer = await api.call("POST", CREATE_CHECKOUT, json=body)
    assert answer.json()["checkoutUrl"] == "https://rzp.io/i/nxrHnLJ"
    provider.answer("POST", f"/v1/payment_links/{_LINK}/cancel", link | {"status": "cancelled"})
    canceled = await change(api, sessionId="s-1", status="canceled")
    assert canceled.json()["session"]["status"] == "canceled"
    assert provider.calls()[-1] == ("POST", f"/v1/payment_links/{_LINK}/cancel")


@pytest.mark.parametrize("named_by", ["s-1", _ORDER])
async def test_asking_completes_a_session_that_was_paid(
    api: Api, provider: FakeApi, database: Database, named_by: str
) -> None:
    await _open_order(api, provider)
    _is_paid(provider)
    for _ in range(2):
        answer = await api.call("POST", _VERIFY, json={"sessionId": named_by})
        assert answer.status_code == 200, answer.text
        assert answer.json()["paid"] is True
        assert answer.json()["session"]["providerPaymentId"] == _PAYMENT
    session = await api.read("s-1")
    assert [move["to"] for move in session["history"]] == ["pending", "completed"]
    rows = await database["webhook_events"].find({}).to_list()
    assert [(row["source"], row["status"]) for row in rows] == [("fetch", "processed")]


async def test_asking_about_an_unpaid_session_changes_nothing(
    api: Api, provider: FakeApi, database: Database
) -> None:
    await _open_order(api, provider)
    before = await api.read("s-1")
    provider.answer("GET", f"/v1/orders/{_ORDER}", _order())
    provider.answer("GET", f"/v1/orders/{_ORDER}/payments", {"items": []})
    answer = await api.call("POST", _VERIFY, json={"sessionId": "s-1"})
    assert answer.json() == {"session": before, "paid": False, "subscription": None}
    assert await database["webhook_events"].count_documents({}) == 0


async def test_asking_a_provider_that_is_down_says_so(api: Api, provider: FakeApi) -> None:
    await _open_order(api, provider)
    provider.answer("GET", f"/v1/orders/{_ORDER}", (503, {}))
    answer = await api.call("POST", _VERIFY, json={"sessionId": "s-1"})
    assert answer.status_code in {502, 504}
    assert (await api.read("s-1"))["status"] == "pending"


async def test_a_browser_asks_about_its_own_session_only(
    api: Api, provider: FakeApi, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    _, secret = await open_as_browser(api, "/api/payment-sessions", _payment())
    for named_by in ("s-1", "order_of_nobody"):
        body = {"sessionId": named_by}
        wrong = await api.call("POST", _VERIFY, PUBLISHABLE, json=body)
        problem(wrong, 404, "session_not_found")
        stranger = await api.call("POST", _VERIFY, token_of("user_9", clock), json=body)
        problem(stranger, 404, "session_not_found")
    own = await api.call("POST", _VERIFY, PUBLISHABLE, json={"sessionId": "s-1"}, headers=secret)
    assert own.json()["paid"] is False


def _callback(signature: str) -> dict[str, str]:
    return {
        "sessionId": "s-1",
        "razorpay_order_id": _ORDER,
        "razorpay_payment_id": _PAYMENT,
        "razorpay_signature": signature,
    }


async def test_a_callback_leads_to_the_question_and_the_answer_completes(
    api: Api, provider: FakeApi
) -> None:
    await _open_order(api, provider)
    _is_paid(provider)
    good = hmac_sha256_hex(_KEY_SECRET, f"{_ORDER}|{_PAYMENT}".encode())
    answer = await api.call("POST", _VERIFY, json=_callback(good))
    assert answer.json()["paid"] is True


async def test_a_signed_callback_alone_completes_nothing(api: Api, provider: FakeApi) -> None:
    await _open_order(api, provider)
    provider.answer("GET", f"/v1/orders/{_ORDER}", _order("attempted"))
    provider.answer("GET", f"/v1/orders/{_ORDER}/payments", {"items": []})
    good = hmac_sha256_hex(_KEY_SECRET, f"{_ORDER}|{_PAYMENT}".encode())
    answer = await api.call("POST", _VERIFY, json=_callback(good))
    assert answer.json()["paid"] is False


@pytest.mark.parametrize(
    "signature",
    [
        hmac_sha256_hex(_KEY_SECRET, f"{_ORDER}|pay_another".encode()),
        hmac_sha256_hex(_KEY_SECRET, f"order_another|{_PAYMENT}".encode()),
        hmac_sha256_hex("another-secret", f"{_ORDER}|{_PAYMENT}".encode()),
        "0" * 64,
        "ümläut",
        "x",
    ],
)
async def test_a_forged_callback_asks_nobody(api: Api, provider: FakeApi, signature: str) -> None:
    await _open_order(api, provider)
    _is_paid(provider)
    answer = await api.call("POST", _VERIFY, json=_callback(signature))
    problem(answer, 400, "invalid_signature")
    assert len(provider.received) == 1
    assert (await api.read("s-1"))["status"] == "pending"


async def test_phonepe_opens_an_order_and_a_retry_takes_the_next_id(
    api: Api, provider: FakeApi, clock: ManualClock
) -> None:
    token = {"access_token": "t", "expires_at": int(clock.now().timestamp()) + 10**8}
    provider.answer("POST", "/v1/oauth/token", token)
    page = "https://mercury.phonepe.com/transact/1"
    provider.answer("POST", "/checkout/v2/pay", {"orderId": "OMO1", "redirectUrl": page})
    body = _payment(paymentMethod="phonepe")
    first = await api.call("POST", CREATE_CHECKOUT, json=body)
    assert first.json()["checkoutUrl"] == page
    assert provider.last().json()["merchantOrderId"] == "s-1"
    clock.advance(timedelta(hours=2))
    status = "/checkout/v2/order/s-1/status"
    provider.answer("GET", status, {"state": "PENDING", "amount": 1000, "paymentDetails": []})
    again = await api.call("POST", CREATE_CHECKOUT, json={"sessionId": "s-1"})
    assert again.status_code == 201, again.text
    assert provider.calls()[-2:] == [("GET", status), ("POST", "/checkout/v2/pay")]
    assert re.fullmatch(r"s-1-2-[A-Za-z0-9_-]{10}", provider.last().json()["merchantOrderId"])
    session = await api.read("s-1")
    assert (session["status"], session["attempts"]) == ("pending", 2)


async def test_upi_gives_a_deep_link_and_a_qr_code_each_time(api: Api, provider: FakeApi) -> None:
    body = _payment(paymentMethod="upi")
    first = await api.call("POST", CREATE_CHECKOUT, json=body)
    opened = first.json()
    assert opened["checkoutUrl"].startswith("upi://pay?pa=shop@bank&pn=The%20Shop&am=10.00&cu=INR")
    assert opened["qrCode"].startswith("data:image/svg+xml")
    again = await api.call("POST", CREATE_CHECKOUT, json=body)
    assert again.json() == opened
    assert provider.received == []
    unpaid = await api.call("POST", _VERIFY, json={"sessionId": "s-1"})
    assert unpaid.json()["paid"] is False
    settled = await change(api, sessionId="s-1", status="completed", providerPaymentId="UTR1")
    assert settled.json()["session"]["status"] == "completed"


async def test_a_secret_keys_own_provider_session_is_found_by_its_id(
    api: Api, provider: FakeApi
) -> None:
    body = _payment(providerSessionId=_ORDER)
    await api.call("POST", "/api/payment-sessions", json=body)
    _is_paid(provider)
    answer = await api.call("POST", _VERIFY, json={"sessionId": _ORDER})
    assert answer.json()["paid"] is True
    await put_price(api, "event_456", 1000, "INR")
    other = _payment(sessionId="s-2", providerSessionId="order_x")
    problem(
        await api.call("POST", "/api/payment-sessions", PUBLISHABLE, json=other),
        403,
        "change_not_allowed",
    )


async def test_a_callback_of_razorpay_means_nothing_to_others(api: Api) -> None:
    await api.call("POST", CREATE_CHECKOUT, json=_payment(paymentMethod="upi"))
    await api.open(sessionId="s-2", providerSessionId="cs_1")
    body = _callback("0" * 64) | {"sessionId": "s-2"}
    answer = await api.call("POST", _VERIFY, json=body)
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"razorpay_signature"}
