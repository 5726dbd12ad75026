"""Refunds made and found at Stripe, by the official library, against the stand-in."""

import json
from typing import Any

import pytest
from msgspec import structs

from service.core.errors import ProviderFailed, ProviderUnreachable, RefundRefused
from service.providers.facts import RefundUpdated
from service.providers.refunding import RefundRequest, Refunds
from service.providers.stripe import adapter
from service.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.case import SAMPLES
from tests.providers.stripe.fake import FakeStripe
from tests.support.limits import genuine

MAKE, LIST = "POST /v1/refunds", "GET /v1/refunds"
REQUEST = RefundRequest("rf-0123456789abcdef", "pi_1", 1000, "USD", payment_amount=2999)


def refund(**changes: object) -> dict[str, Any]:
    """Return a refund of ours as Stripe answers it: it does not say its mode."""
    found: dict[str, Any] = json.loads(SAMPLES["refund.updated"])["data"]["object"]
    ours = {"id": "re_1", "amount": 1000, "metadata": {"refundId": REQUEST.refund_id}}
    return {**found, **ours, "payment_intent": "pi_1", "charge": "ch_1", **changes}


async def test_a_refund_is_asked_for_under_our_id(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    assert isinstance(provider, Refunds)
    fake.will_answer(MAKE, refund())
    event = await provider.refund(REQUEST)
    (asked,) = fake.asked
    assert asked.headers["idempotency-key"] == REQUEST.refund_id
    assert asked.params == {
        "amount": "1000",
        "metadata[refundId]": REQUEST.refund_id,
        "payment_intent": "pi_1",
    }
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.provider_refund_id, fact.status) == (
        REQUEST.refund_id,
        "re_1",
        "succeeded",
    )
    assert (event.event_id, event.live) == ("fetch:re_1:succeeded", False)
    assert event.subject.object_ids == ("pi_1",)
    assert provider.translate_stored(event.event_id, event.payload) == event


@pytest.mark.parametrize(
    ("reason", "sent"), [("duplicate", "duplicate"), ("the seat broke", None), (None, None)]
)
async def test_only_a_reason_of_stripe_s_own_is_sent(
    fake: FakeStripe, provider: StripeProvider, reason: str | None, sent: str | None
) -> None:
    fake.will_answer(MAKE, refund())
    await provider.refund(structs.replace(REQUEST, reason=reason))
    assert fake.asked[0].params.get("reason") == sent


async def test_a_subscription_s_payment_is_refunded_by_what_paid_its_invoice(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    paid = {"id": "inpay_1", "payment": {"type": "payment_intent", "payment_intent": "pi_9"}}
    fake.will_answer("GET /v1/invoice_payments", {"object": "list", "data": [paid]})
    fake.will_answer(MAKE, refund(payment_intent="pi_9"))
    await provider.refund(structs.replace(REQUEST, provider_payment_id="in_1"))
    first, second = fake.asked
    assert first.params == {"invoice": "in_1", "status": "paid"}
    assert second.params["payment_intent"] == "pi_9"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("charge_already_refunded", "The payment has been refunded already."),
        ("charge_disputed", "The payment is disputed: its money is held by the dispute."),
        ("balance_insufficient", "The balance at Stripe is too low for the refund."),
        ("made_up", "Stripe's own words."),
    ],
)
async def test_a_refusal_is_final_and_says_why(
    fake: FakeStripe, provider: StripeProvider, code: str, words: str
) -> None:
    fake.will_refuse(MAKE, 400, code=code, message="Stripe's own words.")
    with pytest.raises(RefundRefused) as refused:
        await provider.refund(REQUEST)
    assert (refused.value.reason, refused.value.message) == (code, words)


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_a_refusal_of_the_caller_or_of_the_moment_is_not_final(
    fake: FakeStripe, provider: StripeProvider, status: int
) -> None:
    fake.will_refuse(MAKE, status, message="Not now.")
    with pytest.raises(ProviderFailed) as failed:
        await provider.refund(REQUEST)
    assert type(failed.value) is ProviderFailed
    assert failed.value.definite


@pytest.mark.parametrize(
    "answer",
    [
        (500, {"error": {"type": "api_error"}}),
        (409, {"error": {"type": "idempotency_error", "code": "idempotency_key_in_use"}}),
        (400, {"error": {"type": "idempotency_error", "message": "other parameters"}}),
        (200, b"<html>"),
        (200, {"id": "re_1"}),
    ],
)
async def test_an_outcome_that_is_not_told_is_unknown(
    fake: FakeStripe, provider: StripeProvider, answer: tuple[int, object]
) -> None:
    fake.will_answer(MAKE, answer[1], answer[0])
    with pytest.raises(ProviderUnreachable):
        await provider.refund(REQUEST)


async def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(
    fake: FakeStripe, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stripe hangs for ever, so only the limit can end the call."""
    assert genuine(adapter, "OPEN_SECONDS") == 8
    monkeypatch.setattr(adapter, "OPEN_SECONDS", 0.2)
    fake.will("hang", MAKE)
    with pytest.raises(ProviderUnreachable, match=r"within 0\.2 seconds"):
        await provider.refund(REQUEST)


async def test_a_repetition_is_the_same_to_the_letter(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(MAKE, refund())
    first, second = [await provider.refund(REQUEST) for _ in range(2)]
    assert first == second
    assert fake.asked[0].params == fake.asked[1].params


async def test_a_refund_is_found_by_our_id_page_after_page(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    others = [refund(id="re_8", metadata={}), refund(id="re_9", metadata={"refundId": "else"})]
    fake.will_answer(LIST, {"object": "list", "data": others, "has_more": True})
    fake.will_answer(LIST, {"object": "list", "data": [refund(status="pending")]})
    event = await provider.find_refund(REQUEST, None)
    assert event is not None
    assert event.event_id == "fetch:re_1:pending"
    assert provider.translate_stored(event.event_id, event.payload) == event
    assert [asked.params.get("starting_after") for asked in fake.asked] == [None, "re_9"]
    assert fake.asked[0].params["payment_intent"] == "pi_1"


async def test_a_refund_that_was_never_made_is_not_found(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(LIST, {"object": "list", "data": [refund(metadata={})], "has_more": False})
    assert await provider.find_refund(REQUEST, None) is None
    fake.will_refuse("GET /v1/refunds/re_1", 404, code="resource_missing")
    assert await provider.find_refund(REQUEST, "re_1") is None


async def test_a_refund_is_read_by_stripe_s_id(fake: FakeStripe, provider: StripeProvider) -> None:
    fake.will_answer("GET /v1/refunds/re_1", refund(status="failed", failure_reason="declined"))
    event = await provider.find_refund(REQUEST, "re_1")
    assert event is not None
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.status, fact.failure_code) == ("failed", "declined")


async def test_stripe_without_an_answer_is_no_proof_that_there_is_no_refund(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(LIST, {"error": {}}, 500)
    with pytest.raises(ProviderFailed):
        await provider.find_refund(REQUEST, None)


async def test_what_is_no_payment_of_stripe_s_is_never_asked_about(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    with pytest.raises(ProviderFailed, match="not a payment"):
        await provider.refund(structs.replace(REQUEST, provider_payment_id="pay_1"))
    assert fake.asked == []
