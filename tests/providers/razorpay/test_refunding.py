"""Refunds made and found at Razorpay, against a real server on loopback."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec import structs

from service.core.clock import ManualClock
from service.core.errors import ProviderFailed, ProviderUnreachable, RefundRefused
from service.providers.facts import RefundUpdated
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.refunding import RefundRequest, Refunds
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.providers.razorpay import fake
from tests.providers.razorpay.case import NOON, settings

REQUEST = RefundRequest("rf-0123456789abcdef", fake.PAYMENT, 5000, "INR", payment_amount=29900)
MAKE = f"/v1/payments/{fake.PAYMENT}/refund"
LIST = f"/v1/payments/{fake.PAYMENT}/refunds"


def refund(status: str = "processed", **changed: object) -> Json:
    """A refund of ours, as the API answers it."""
    return {
        "id": "rfnd_1",
        "entity": "refund",
        "amount": 5000,
        "currency": "INR",
        "payment_id": fake.PAYMENT,
        "notes": {"refundId": REQUEST.refund_id},
        "receipt": REQUEST.refund_id,
        "status": status,
        "created_at": 1567674580,
        **changed,
    }


def error(description: str, **said: object) -> Json:
    """An error as Razorpay words it."""
    return {"error": {"code": "BAD_REQUEST_ERROR", "description": description, **said}}


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake of Razorpay's API."""
    async with fake_api() as running:
        yield running


@pytest_asyncio.fixture
async def provider(api: FakeApi) -> AsyncIterator[RazorpayProvider]:
    """The adapter, pointed at the fake."""
    adapter = RazorpayProvider(settings(api.base), ManualClock(NOON))
    yield adapter
    await adapter.aclose()


async def test_a_refund_is_asked_for_under_our_id(api: FakeApi, provider: RazorpayProvider) -> None:
    assert isinstance(provider, Refunds)
    api.answer("POST", MAKE, refund())
    event = await provider.refund(REQUEST)
    asked = api.last()
    assert asked.headers["x-refund-idempotency"] == REQUEST.refund_id
    assert asked.json() == {
        "amount": 5000,
        "speed": "normal",
        "receipt": REQUEST.refund_id,
        "notes": {"refundId": REQUEST.refund_id},
    }
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.provider_refund_id) == (REQUEST.refund_id, "rfnd_1")
    assert (fact.status, fact.voids, fact.payment_ids) == ("succeeded", False, (fake.PAYMENT,))
    assert (event.event_id, event.live) == ("fetch:rfnd_1:processed", False)
    assert provider.translate_stored(event.event_id, event.payload) == event


@pytest.mark.parametrize(
    ("description", "reason", "words"),
    [
        (
            "Your account does not have enough balance to carry out the refund operation.",
            "insufficient_balance",
            "The balance at Razorpay is too low for the refund.",
        ),
        (
            "The payment has been fully refunded already",
            "already_refunded",
            "The payment has been refunded already.",
        ),
        ("Something of its own.", "BAD_REQUEST_ERROR", "Something of its own."),
    ],
)
async def test_a_refusal_is_final_and_says_why(
    api: FakeApi, provider: RazorpayProvider, description: str, reason: str, words: str
) -> None:
    api.answer("POST", MAKE, (400, error(description)))
    with pytest.raises(RefundRefused) as refused:
        await provider.refund(REQUEST)
    assert (refused.value.reason, refused.value.message) == (reason, words)


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refusal_of_the_caller_or_of_the_moment_is_not_final(
    api: FakeApi, provider: RazorpayProvider, status: int
) -> None:
    api.answer("POST", MAKE, (status, error("Not now.")))
    with pytest.raises(ProviderFailed) as failed:
        await provider.refund(REQUEST)
    assert not isinstance(failed.value, RefundRefused | ProviderUnreachable)


@pytest.mark.parametrize(
    "answer",
    [
        (500, {}),
        (409, error("Request with the same idempotency key is being processed.")),
        (400, error("Different request with the same idempotency key has already been processed.")),
        (200, b"<html>"),
        (200, {"id": "rfnd_1"}),
    ],
)
async def test_an_outcome_that_is_not_told_is_unknown(
    api: FakeApi, provider: RazorpayProvider, answer: tuple[int, Json | bytes]
) -> None:
    api.answer("POST", MAKE, answer)
    with pytest.raises(ProviderUnreachable):
        await provider.refund(REQUEST)


@pytest.mark.parametrize("changed", [{"notes": []}, {"receipt": None}])
async def test_a_refund_is_found_by_our_id_page_after_page(
    api: FakeApi, provider: RazorpayProvider, changed: Json
) -> None:
    others = [refund(id=f"rfnd_{n}", notes=[], receipt=None) for n in range(100)]
    ours = refund("pending", id="rfnd_ours", **changed)
    api.answer("GET", LIST, {"items": others}, {"items": [ours]})
    event = await provider.find_refund(REQUEST, None)
    assert event is not None
    assert event.event_id == "fetch:rfnd_ours:pending"
    assert [asked.query["skip"] for asked in api.received] == ["0", "100"]


async def test_a_refund_that_was_never_made_is_not_found(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("GET", LIST, {"items": [refund(notes={"refundId": "else"}, receipt=None)]})
    assert await provider.find_refund(REQUEST, None) is None
    api.answer("GET", "/v1/refunds/rfnd_1", (400, error("The id provided does not exist")))
    assert await provider.find_refund(REQUEST, "rfnd_1") is None


async def test_a_refund_is_read_by_razorpay_s_id(api: FakeApi, provider: RazorpayProvider) -> None:
    api.answer("GET", "/v1/refunds/rfnd_1", refund("failed"))
    event = await provider.find_refund(REQUEST, "rfnd_1")
    assert event is not None
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert fact.status == "failed"


async def test_razorpay_without_an_answer_is_no_proof_that_there_is_no_refund(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("GET", LIST, (503, {}))
    with pytest.raises(ProviderFailed):
        await provider.find_refund(REQUEST, None)


@pytest.mark.parametrize("payment_id", ["pi_1", "pay_1/../../orders", ""])
async def test_what_is_no_payment_of_razorpay_s_is_never_asked_about(
    api: FakeApi, provider: RazorpayProvider, payment_id: str
) -> None:
    with pytest.raises(ProviderFailed, match="not a payment"):
        await provider.refund(structs.replace(REQUEST, provider_payment_id=payment_id))
    with pytest.raises(ProviderFailed, match="not a refund"):
        await provider.find_refund(REQUEST, "rfnd_1/..")
    assert api.received == []
