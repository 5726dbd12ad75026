"""Refunds asked for and found at PhonePe, against a real server on loopback."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.errors import ProviderFailed, ProviderUnreachable, RefundRefused
from service.providers.facts import RefundUpdated
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.refunding import RefundRequest, Refunds
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.providers.phonepe.case import NOON, settings
from tests.providers.phonepe.test_adapter import TOKEN, token

REQUEST = RefundRequest("rf-0123456789abcdef", "ps_1", 5000, "INR", payment_amount=29900)
MAKE = "/payments/v2/refund"
STATUS = f"/payments/v2/refund/{REQUEST.refund_id}/status"
ACCEPTED: Json = {"refundId": "OMR1", "amount": 5000, "state": "PENDING"}
UNKNOWN = (404, {"code": "REFUND_NOT_FOUND", "message": "There is none."})
SEEN = (400, {"code": "BAD_REQUEST", "message": "merchantRefundId was used before"})


def refund(state: str = "COMPLETED", **changed: object) -> Json:
    """A refund, as the status API answers it."""
    return {
        "merchantId": "PGTESTPAYUAT",
        "merchantRefundId": REQUEST.refund_id,
        "originalMerchantOrderId": "ps_1",
        "amount": 5000,
        "state": state,
        "timestamp": 1724866793837,
        "refundId": "OMR1",
        **changed,
    }


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake of PhonePe's API that gives tokens."""
    async with fake_api() as running:
        running.answer("POST", TOKEN, token())
        yield running


@pytest_asyncio.fixture
async def provider(api: FakeApi) -> AsyncIterator[PhonePeProvider]:
    """The adapter, pointed at the fake."""
    adapter = PhonePeProvider(settings(api_base=api.base), ManualClock(NOON))
    yield adapter
    await adapter.aclose()


async def test_a_refund_is_asked_for_under_our_id_and_then_asked_about(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    assert isinstance(provider, Refunds)
    api.answer("POST", MAKE, ACCEPTED)
    api.answer("GET", STATUS, refund())
    event = await provider.refund(REQUEST)
    assert api.received[-2].json() == {
        "merchantRefundId": REQUEST.refund_id,
        "originalMerchantOrderId": "ps_1",
        "amount": 5000,
    }
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.status, fact.payment_ids) == (
        REQUEST.refund_id,
        "succeeded",
        ("ps_1",),
    )
    assert event.event_id == f"fetch:refund:{REQUEST.refund_id}:COMPLETED"
    assert provider.translate_stored(event.event_id, event.payload) == event


@pytest.mark.parametrize("status", [(500, {}), UNKNOWN])
async def test_what_was_accepted_is_pending_where_it_can_not_be_asked_about(
    api: FakeApi, provider: PhonePeProvider, status: tuple[int, Json]
) -> None:
    api.answer("POST", MAKE, ACCEPTED)
    api.answer("GET", STATUS, status)
    event = await provider.refund(REQUEST)
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.status, fact.amount) == (REQUEST.refund_id, "pending", 5000)
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_an_id_that_was_seen_before_is_the_refund_of_the_first_call(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", MAKE, SEEN)
    api.answer("GET", STATUS, refund("PENDING"))
    event = await provider.refund(REQUEST)
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.status) == (REQUEST.refund_id, "pending")


@pytest.mark.parametrize("other", [{"amount": 4999}, {"originalMerchantOrderId": "ps_2"}])
async def test_another_refund_under_our_id_is_not_taken_for_ours(
    api: FakeApi, provider: PhonePeProvider, other: Json
) -> None:
    api.answer("POST", MAKE, SEEN)
    api.answer("GET", STATUS, refund(**other))
    with pytest.raises(ProviderUnreachable, match="another refund"):
        await provider.refund(REQUEST)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("REFUND_INSUFFICIENT_BALANCE", "The balance at PhonePe is too low for the refund."),
        ("MADE_UP", "Its own words."),
    ],
)
async def test_a_refusal_is_final_once_no_refund_is_found(
    api: FakeApi, provider: PhonePeProvider, code: str, words: str
) -> None:
    api.answer("POST", MAKE, (400, {"code": code, "message": "Its own words."}))
    api.answer("GET", STATUS, UNKNOWN)
    with pytest.raises(RefundRefused) as refused:
        await provider.refund(REQUEST)
    assert (refused.value.reason, refused.value.message) == (code, words)


async def test_a_refusal_that_can_not_be_asked_about_is_not_believed(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", MAKE, SEEN)
    api.answer("GET", STATUS, (503, {}))
    with pytest.raises(ProviderUnreachable):
        await provider.refund(REQUEST)


@pytest.mark.parametrize("answer", [(500, {}), (409, {"code": "CONFLICT"}), (200, b"<html>")])
async def test_an_outcome_that_is_not_told_is_unknown(
    api: FakeApi, provider: PhonePeProvider, answer: tuple[int, Json | bytes]
) -> None:
    api.answer("POST", MAKE, answer)
    with pytest.raises(ProviderUnreachable):
        await provider.refund(REQUEST)


async def test_a_refusal_of_the_caller_is_not_final(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    api.answer("POST", MAKE, (429, {"code": "TOO_MANY_REQUESTS"}))
    with pytest.raises(ProviderFailed) as failed:
        await provider.refund(REQUEST)
    assert not isinstance(failed.value, RefundRefused | ProviderUnreachable)


async def test_a_refund_is_found_by_our_id_or_not_at_all(
    api: FakeApi, provider: PhonePeProvider
) -> None:
    failed = refund("FAILED", errorCode="INTERNAL_ERROR", detailedErrorCode="REFUND_FAILED")
    api.answer("GET", STATUS, failed, UNKNOWN, (503, {}))
    event = await provider.find_refund(REQUEST, None)
    assert event is not None
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.status, fact.failure_code) == ("failed", "REFUND_FAILED")
    assert await provider.find_refund(REQUEST, None) is None
    with pytest.raises(ProviderFailed):
        await provider.find_refund(REQUEST, None)
