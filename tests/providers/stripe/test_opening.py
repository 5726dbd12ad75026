"""Checkouts opened at Stripe, against a stand-in that really speaks HTTP."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from service.core.errors import MalformedBody, ProviderFailed, ProviderUnreachable
from service.providers.stripe import adapter
from service.providers.stripe.adapter import StripeProvider
from service.providers.stripe.requests import checkout_params
from service.providers.stripe.settings import StripeSettings
from tests.providers.stripe.answers import (
    CREATE,
    GET_CS,
    REQUEST,
    checkout,
    provider_at,
)
from tests.providers.stripe.fake import FakeStripe
from tests.support.limits import genuine


async def test_a_checkout_is_opened_with_everything_that_finds_its_session(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(CREATE, checkout())
    opened = await provider.open_checkout(REQUEST)
    assert opened.ref == "cs_test_1"
    assert opened.url == "https://checkout.stripe.com/c/pay/cs_test_1"
    assert (opened.amount, opened.currency) == (2999, "USD")
    assert opened.expires_at == datetime(2026, 10, 3, 4, 58, tzinfo=UTC)
    (asked,) = fake.asked
    assert asked.headers["idempotency-key"] == "ps_1:2"
    assert asked.headers["authorization"] == "Bearer sk_test_0123456789"
    sent = {"checkoutSessionId": "ps_1", "sessionId": "ps_1", "merchantId": "default"}
    sent |= {"attemptId": "ps_1-2"}
    metadata = {f"[{key}]": value for key, value in {**sent, "userId": "user_7"}.items()}
    assert asked.params == {
        "mode": "payment",
        "client_reference_id": "ps_1",
        "customer_email": "buyer@example.com",
        "success_url": "https://shop.example/done",
        "cancel_url": "https://shop.example/cancel",
        "expires_at": str(int(datetime(2026, 11, 21, 12, 30, 30, tzinfo=UTC).timestamp())),
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "2999",
        "line_items[0][price_data][product_data][name]": "Two passes",
        **{f"metadata{key}": value for key, value in metadata.items()},
        **{f"payment_intent_data[metadata]{key}": value for key, value in metadata.items()},
    }


async def test_a_subscription_is_opened_at_the_price_of_its_plan(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(CREATE, checkout(mode="subscription"))
    request = replace(REQUEST, mode="subscription", plan="basic", customer_id="cus_1")
    await provider.open_checkout(request)
    params = fake.asked[0].params
    assert params["line_items[0][price]"] == "price_basic"
    assert params["subscription_data[metadata][sessionId]"] == "ps_1"
    assert params["subscription_data[metadata][plan]"] == "basic"
    assert params["customer"] == "cus_1"
    assert "customer_email" not in params
    assert "payment_intent_data[metadata][sessionId]" not in params


async def test_a_trial_is_asked_for_where_one_was_granted(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_answer(CREATE, checkout(mode="subscription", amount_total=0))
    request = replace(REQUEST, mode="subscription", plan="basic", email=None)
    for days in (None, 14):
        await provider.open_checkout(replace(request, trial_days=days))
    sent = [asked.params.get("subscription_data[trial_period_days]") for asked in fake.asked]
    assert sent == [None, "14"]
    assert "customer_email" not in fake.asked[0].params


@pytest.mark.parametrize(
    ("plan", "remedy"),
    [
        ("premium", "set STRIPE_PRICE_PREMIUM"),
        ("gold", "name one in the catalog"),
        (None, "name one in the catalog"),
    ],
)
async def test_a_plan_without_a_price_tells_which_variable_to_set(
    fake: FakeStripe, provider: StripeProvider, plan: str | None, remedy: str
) -> None:
    with pytest.raises(ProviderFailed, match=remedy) as caught:
        await provider.open_checkout(replace(REQUEST, mode="subscription", plan=plan))
    assert caught.value.definite
    assert not fake.asked


@given(amount=st.integers(1, 10**9), quantity=st.integers(1, 1000))
def test_the_items_always_make_the_whole_amount(amount: int, quantity: int) -> None:
    request = replace(REQUEST, amount=amount, quantity=quantity)
    (item,) = checkout_params(request, {})["line_items"]
    total = item["quantity"] * item["price_data"]["unit_amount"]
    assert total == amount
    assert item["quantity"] == (1 if amount % quantity else quantity)


async def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will("hang up", CREATE)
    fake.will_answer(CREATE, checkout())
    assert (await provider.open_checkout(REQUEST)).ref == "cs_test_1"
    assert [asked.headers["idempotency-key"] for asked in fake.asked] == ["ps_1:2", "ps_1:2"]
    assert fake.asked[0].params == fake.asked[1].params


async def test_no_answer_at_all_is_unreachable(fake: FakeStripe, provider: StripeProvider) -> None:
    fake.will("hang up", CREATE)
    with pytest.raises(ProviderUnreachable) as caught:
        await provider.open_checkout(REQUEST)
    assert not caught.value.definite


async def test_a_call_beside_a_webhook_ends_after_two_seconds(
    fake: FakeStripe, provider: StripeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tenth of the time. Stripe hangs for ever, so only the limit can end the call."""
    assert genuine(adapter, "CALL_SECONDS") == 2
    monkeypatch.setattr(adapter, "CALL_SECONDS", 0.2)
    fake.will("hang", GET_CS)
    with pytest.raises(ProviderUnreachable, match=r"within 0\.2 seconds"):
        await provider.fetch("cs_test_1")


@pytest.mark.parametrize(
    ("status", "definite", "message"),
    [
        (400, True, "refused the call: No such price"),
        (401, True, "STRIPE_SECRET_KEY"),
        (402, True, "refused the call"),
        (403, True, "STRIPE_SECRET_KEY"),
        (409, False, "still at this call"),
        (429, True, "no more calls"),
        (500, True, "status 500"),
        (503, True, "status 503"),
    ],
)
async def test_an_error_of_stripes_is_told_in_our_words(
    fake: FakeStripe, provider: StripeProvider, status: int, definite: bool, message: str
) -> None:
    fake.will_refuse(CREATE, status, message="No such price: 'x'", code="resource_missing")
    with pytest.raises(ProviderFailed, match=message) as caught:
        await provider.open_checkout(REQUEST)
    assert caught.value.definite is definite
    assert not isinstance(caught.value, ProviderUnreachable)
    assert "sk_test" not in str(caught.value)


async def test_a_refused_email_address_is_not_repeated(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    fake.will_refuse(
        CREATE, 400, message="Invalid email address: buyer@example.com", param="customer_email"
    )
    with pytest.raises(ProviderFailed) as caught:
        await provider.open_checkout(REQUEST)
    assert "buyer" not in caught.value.message


@pytest.mark.parametrize(
    "answer", [b"", b"<html>", b"[]", b'"text"', b"{}", b"null", b"\xff", {"id": 5}, {"id": None}]
)
@pytest.mark.parametrize("status", [200, 400])
async def test_a_strangers_answer_is_a_failure_and_nothing_else(
    fake: FakeStripe, provider: StripeProvider, answer: object, status: int
) -> None:
    fake.will_answer(CREATE, answer, status)
    with pytest.raises(ProviderFailed) as caught:
        await provider.open_checkout(REQUEST)
    assert status == 400 or not caught.value.definite


async def test_nothing_is_reported_about_us_and_nothing_is_logged(
    fake: FakeStripe, provider: StripeProvider, caplog: pytest.LogCaptureFixture
) -> None:
    fake.will_answer(CREATE, checkout())
    fake.will_answer(GET_CS, checkout())
    with caplog.at_level(logging.DEBUG):
        await provider.open_checkout(REQUEST)
        await provider.fetch("cs_test_1")
    assert not [record for record in caplog.records if record.name == "stripe"]
    assert "buyer@example.com" not in caplog.text
    assert "sk_test" not in caplog.text
    for asked in fake.asked:
        assert "x-stripe-client-telemetry" not in asked.headers
        assert "telemetry_id" not in asked.headers["x-stripe-client-user-agent"]


def test_a_client_stays_in_its_event_loop() -> None:
    made = provider_at("http://127.0.0.1:9")

    async def look() -> tuple[object, object]:
        assert made._clients is not None
        first, second = made._clients.current(), made._clients.current()
        await made.aclose()
        await made.aclose()
        return first, second

    ours, again = asyncio.run(look())
    theirs, _ = asyncio.run(look())
    assert ours is again
    assert ours is not theirs


def test_a_stored_payload_that_is_no_object_is_malformed() -> None:
    with pytest.raises(MalformedBody):
        provider_at("http://127.0.0.1:9").translate_stored("evt_1", b"[]")


async def test_without_a_key_every_call_tells_which_variable_to_set() -> None:
    made = StripeProvider(StripeSettings.model_validate({}))
    for call in (
        made.open_checkout(REQUEST),
        made.fetch("cs_test_1"),
        made.close_checkout("cs_test_1"),
        made.capture("pi_1", 1, "USD"),
    ):
        with pytest.raises(ProviderFailed, match="set STRIPE_SECRET_KEY"):
            await call
    assert made.live is None
    assert not made.receives_webhooks
    await made.aclose()


@pytest.mark.parametrize(
    ("key", "live"),
    [
        ("sk_live_0123456789", True),
        ("rk_live_0123456789", True),
        ("sk_test_0123456789", False),
        ("rk_test_0123456789", False),
        ("something_else_entirely", None),
    ],
)
def test_the_key_tells_the_mode(key: str, live: bool | None) -> None:
    assert provider_at("http://127.0.0.1:9", STRIPE_SECRET_KEY=key).live is live


async def test_a_plan_of_the_catalog_is_opened_by_its_price_and_its_period_is_read(
    fake: FakeStripe, provider: StripeProvider
) -> None:
    wanted = replace(REQUEST, mode="subscription", plan="gold", plan_price="price_gold")
    recurring = {"interval": "week", "interval_count": 2}
    line = {"price": {"id": "price_gold", "recurring": recurring}}
    fake.will_answer(CREATE, checkout() | {"line_items": {"data": [line]}})
    opened = await provider.open_checkout(wanted)
    assert fake.asked[-1].params["line_items[0][price]"] == "price_gold"
    assert (opened.interval, opened.interval_count) == ("week", 2)
