"""What the outbox tells providers: capture what is held, close what nobody may pay any more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.outbox.subscribing import deliveries
from tests.providers.http_fake import FakeApi, fake_api
from tests.support.api import SECRET
from tests.support.events import razorpay_payment
from tests.support.settings import make_settings
from tests.support.shop import Shop, completions, open_shop


@pytest_asyncio.fixture
async def razorpay() -> AsyncIterator[FakeApi]:
    """Razorpay's API."""
    async with fake_api() as fake:
        yield fake


@pytest_asyncio.fixture
async def shop(razorpay: FakeApi, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that talks to it."""
    async with open_shop(make_settings(RAZORPAY_API_BASE=razorpay.base), database, clock) as opened:
        yield opened


def _calls(fake: FakeApi, what: str) -> int:
    return sum(what in path for _, path in fake.calls())


def _authorized(shop: Shop, session: dict[str, Any], **fields: Any) -> Any:
    return shop.razorpay("payment.authorized", session, status="authorized", **fields)


async def test_an_authorized_payment_is_captured_once(shop: Shop, razorpay: FakeApi) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    payment = f"pay_{session['sessionId']}".replace("-", "_")
    razorpay.answer("POST", f"/payments/{payment}/capture", {"status": "captured"})
    razorpay.answer("POST", f"/v1/payments/{payment}/capture", {"status": "captured"})
    for _ in range(3):
        await shop.receive(_authorized(shop, session, id=payment))
        await shop.api.settle()
    shop.pass_time(hours=1)
    await shop.api.settle()

    assert _calls(razorpay, "/capture") == 1
    assert razorpay.last().json() == {"amount": 1000, "currency": "INR"}
    [told] = await deliveries(shop, topic="provider.capture")
    assert told["status"] == "done"
    await shop.receive(shop.razorpay("payment.captured", session, 5, id=payment))
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_a_capture_that_fails_is_tried_again(shop: Shop, razorpay: FakeApi) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    for path in ("/payments/pay_1/capture", "/v1/payments/pay_1/capture"):
        razorpay.answer("POST", path, (500, b""), {"status": "captured"})
    # A try that failed may have taken the money after all: it is looked for first.
    held = razorpay_payment(session, id="pay_1", status="authorized")
    razorpay.answer("GET", "/v1/payments/pay_1", held)
    await shop.receive(_authorized(shop, session, id="pay_1"))
    await shop.api.settle()
    [told] = await deliveries(shop, topic="provider.capture")
    assert (told["status"], told["attempts"]) == ("pending", 1)
    shop.pass_time(seconds=2)
    await shop.api.settle()
    [told] = await deliveries(shop, topic="provider.capture")
    assert (told["status"], told["attempts"]) == ("done", 2)


async def test_a_wrong_amount_is_not_captured(shop: Shop, razorpay: FakeApi) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    assert (await shop.api.told(_authorized(shop, session, amount=999)))["outcome"] == "review"
    await shop.api.settle()
    assert razorpay.calls() == []


async def test_what_is_held_beside_a_completing_payment_is_not_captured(
    shop: Shop, razorpay: FakeApi
) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(_authorized(shop, session, id="pay_held"))
    await shop.receive(shop.razorpay("payment.captured", session, id="pay_other"))
    await shop.api.settle()
    assert razorpay.calls() == []


async def test_a_payment_that_succeeded_before_is_not_captured(
    shop: Shop, razorpay: FakeApi
) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.captured", session, 1))
    await shop.receive(_authorized(shop, session))
    await shop.api.settle()
    assert razorpay.calls() == []


async def _with_link(shop: Shop) -> dict[str, Any]:
    return await shop.api.open(paymentMethod="razorpay", providerSessionId="plink_1")


def _link(session: dict[str, Any], status: str) -> dict[str, Any]:
    return {
        "id": "plink_1",
        "amount": 1000,
        "currency": "INR",
        "reference_id": session["sessionId"],
        "order_id": "order_1",
        "status": status,
        "notes": {"sessionId": session["sessionId"]},
        "payments": [{"payment_id": "pay_1"}] if status == "paid" else None,
    }


async def _ended(shop: Shop, session: dict[str, Any], how: str) -> None:
    if how == "expired":
        shop.pass_time(minutes=31)
        await shop.clean_up()
    else:
        body = {"sessionId": session["sessionId"], "status": how}
        answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
        assert answer.status_code == 200, answer.text


async def test_the_checkout_of_an_expired_session_is_closed(shop: Shop, razorpay: FakeApi) -> None:
    session = await _with_link(shop)
    razorpay.answer("POST", "/v1/payment_links/plink_1/cancel", _link(session, "cancelled"))
    await _ended(shop, session, "expired")
    await shop.api.settle()
    assert _calls(razorpay, "/cancel") == 1
    [told] = await deliveries(shop, topic="provider.close_checkout")
    assert told["status"] == "done"


async def test_paid_in_the_meantime_is_applied_as_late(shop: Shop, razorpay: FakeApi) -> None:
    session = await _with_link(shop)
    refused = {"error": {"code": "BAD_REQUEST_ERROR", "description": "It is paid."}}
    razorpay.answer("POST", "/v1/payment_links/plink_1/cancel", (400, refused))
    razorpay.answer("GET", "/v1/payment_links/plink_1", _link(session, "paid"))
    paid = razorpay_payment(session, id="pay_1", captured=True)
    razorpay.answer("GET", "/v1/payments/pay_1", paid)
    await _ended(shop, session, "expired")
    await shop.api.settle()

    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["late"]) == ("completed", True)
    [payment] = await shop.payments()
    assert (payment["providerPaymentId"], payment["status"]) == ("pay_1", "succeeded")
    [row] = await shop.events()
    assert row["source"] == "fetch"


async def test_a_canceled_session_s_checkout_is_closed_however_long_the_provider_is_down(
    shop: Shop, razorpay: FakeApi
) -> None:
    session = await _with_link(shop)
    razorpay.answer(
        "POST", "/v1/payment_links/plink_1/cancel", *[(500, b"")] * 3, _link(session, "cancelled")
    )
    await _ended(shop, session, "canceled")
    for _ in range(3):
        await shop.api.settle()
        shop.pass_time(seconds=10)
    [told] = await deliveries(shop, topic="provider.close_checkout")
    assert told["status"] == "done"
