"""Checkouts and payments read again, closed and captured, against the stand-in."""

import json
from typing import Any

import pytest
from msgspec import structs

from service.core.errors import ProviderFailed
from service.providers.base import ClosedCheckout
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Details,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.answers import CAPTURE, EXPIRE, GET_CS, GET_PI, checkout, intent
from tests.providers.stripe.case import SAMPLES
from tests.providers.stripe.fake import FakeStripe

DEAD = {"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {"code": "x"}}


@pytest.mark.parametrize(
    ("found", "event_id", "facts"),
    [
        (checkout(), "open:unpaid", (CheckoutOpen,)),
        (
            checkout(payment_intent=intent(status="processing")),
            "open:unpaid:processing",
            (PaymentProcessing,),
        ),
        (checkout(status="expired"), "expired:unpaid", (CheckoutExpired,)),
        (
            checkout(status="complete", payment_status="paid", payment_intent=intent()),
            "complete:paid:succeeded",
            (PaymentSucceeded,),
        ),
        (checkout(status="complete"), "complete:unpaid", (PaymentProcessing,)),
        (
            checkout(status="complete", payment_intent=intent(status="processing")),
            "complete:unpaid:processing",
            (PaymentProcessing,),
        ),
        (
            checkout(status="complete", payment_intent=intent()),
            "complete:unpaid:succeeded",
            (PaymentSucceeded,),
        ),
        (
            checkout(status="complete", payment_intent=DEAD),
            "complete:unpaid:requires_payment_method",
            (CheckoutFailed, PaymentFailed),
        ),
    ],
)
async def test_a_checkout_is_read_again(
    fake: FakeStripe,
    provider: StripeProvider,
    found: dict[str, Any],
    event_id: str,
    facts: tuple[type, ...],
) -> None:
    fake.will_answer(GET_CS, found)
    event = await provider.fetch("cs_test_1")
    assert event.event_id == f"fetch:cs_test_1:{event_id}"
    assert tuple(type(fact) for fact in event.facts) == facts
    assert event.account == "default"
    assert event.live is False
    assert event.subject.checkout_refs == ("cs_test_1",)
    assert event.subject.sent_ids == ("ps_sample",)
    assert fake.asked[0].params == {"expand[0]": "payment_intent"}
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_what_is_read_again_tells_the_same_payment_as_the_event(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    told = json.loads(SAMPLES["checkout.session.completed"])
    session = told["data"]["object"]
    found = {**session, "payment_intent": {**intent(), "id": session["payment_intent"]}}
    fake.will_answer(f"GET /v1/checkout/sessions/{session['id']}", found)
    event = await provider.fetch(session["id"])
    stored = provider.translate_stored(told["id"], SAMPLES["checkout.session.completed"])
    assert event.subject == stored.subject
    [again], [first] = event.facts, stored.facts
    assert isinstance(again, PaymentSucceeded)
    assert isinstance(first, PaymentSucceeded)
    # And of its details more: the event names the intent alone.
    details = structs.asdict(again.payment.details or Details())
    assert structs.replace(again.payment, details=first.payment.details) == first.payment
    assert (details["charge_id"], details["country"]) == ("ch_3SqB2mKd9rTzX4Lp1mWq0aRt", "DE")


@pytest.mark.parametrize(
    ("changes", "facts"),
    [
        ({}, (PaymentSucceeded,)),
        ({"status": "processing"}, (PaymentProcessing,)),
        ({"status": "requires_capture"}, (PaymentProcessing,)),
        ({"status": "canceled"}, (PaymentFailed,)),
        ({"status": "requires_payment_method"}, ()),
        (
            {"status": "requires_payment_method", "last_payment_error": {"code": "x"}},
            (PaymentFailed,),
        ),
    ],
)
async def test_a_payment_intent_is_read_again(
    fake: FakeStripe,
    provider: StripeProvider,
    changes: dict[str, object],
    facts: tuple[type, ...],
) -> None:
    fake.will_answer(GET_PI, intent(**changes))
    event = await provider.fetch("pi_1")
    assert event.event_id == f"fetch:pi_1:{changes.get('status', 'succeeded')}"
    assert tuple(type(fact) for fact in event.facts) == facts
    assert provider.translate_stored(event.event_id, event.payload) == event


@pytest.mark.parametrize("ref", ["", "ps_1", "cs_", "cs_../x", "cs_1/expire", "cs_ä", "cs_1?a=b"])
async def test_what_is_no_reference_of_stripes_is_not_asked_for(
    fake: FakeStripe, provider: StripeProvider, ref: str
) -> None:
    for call in (
        provider.fetch(ref),
        provider.close_checkout(ref),
        provider.capture(ref, 1, "USD"),
    ):
        with pytest.raises(ProviderFailed, match="no such reference"):
            await call
    assert not fake.asked


async def test_an_open_checkout_is_closed(fake: FakeStripe, provider: StripeProvider) -> None:
    fake.will_answer(EXPIRE, checkout(status="expired"))
    assert await provider.close_checkout("cs_test_1") == ClosedCheckout(closed=True)
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("found", "closed", "told"),
    [
        (checkout(status="expired"), True, None),
        (checkout(status="complete", payment_intent=DEAD), True, None),
        (checkout(status="complete", payment_status="paid"), False, PaymentSucceeded),
        (checkout(status="complete"), False, PaymentProcessing),
    ],
)
async def test_a_checkout_that_can_not_be_closed_tells_why(
    fake: FakeStripe,
    provider: StripeProvider,
    found: dict[str, Any],
    closed: bool,
    told: type | None,
) -> None:
    fake.will_refuse(EXPIRE, 400, message="Only Checkout Sessions with a status in ['open'] can.")
    fake.will_answer(GET_CS, found)
    result = await provider.close_checkout("cs_test_1")
    assert result.closed is closed
    assert (result.event is None) is (told is None)
    assert result.event is None or isinstance(result.event.facts[0], told or object)


async def test_a_checkout_that_stays_open_is_not_taken_for_closed(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse(EXPIRE, 400, message="Not now.")
    fake.will_answer(GET_CS, checkout())
    with pytest.raises(ProviderFailed, match="Not now"):
        await provider.close_checkout("cs_test_1")


async def test_a_held_payment_is_captured(fake: FakeStripe, provider: StripeProvider) -> None:
    fake.will_answer(CAPTURE, intent())
    await provider.capture("pi_1", 2999, "USD")
    assert fake.asked[0].params == {"amount_to_capture": "2999"}


async def test_a_payment_that_is_captured_already_is_left_alone(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse(CAPTURE, 400, code="payment_intent_unexpected_state", message="It has been.")
    fake.will_answer(GET_PI, intent())
    await provider.capture("pi_1", 2999, "USD")
    assert len(fake.asked) == 2


async def test_a_payment_that_can_not_be_captured_is_a_failure(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse(CAPTURE, 400, message="It was canceled.")
    fake.will_answer(GET_PI, intent(status="canceled"))
    with pytest.raises(ProviderFailed, match="canceled"):
        await provider.capture("pi_1", 2999, "USD")
