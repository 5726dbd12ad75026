"""Opening orders and payment links, against a real server on loopback."""

import base64
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.errors import ProviderFailed, ProviderUnreachable
from service.providers.base import CheckoutScript, DrawsCheckouts, Provider
from service.providers.razorpay.adapter import RazorpayProvider
from tests.providers.http_fake import FakeApi, fake_api
from tests.providers.razorpay import fake
from tests.providers.razorpay.case import KEY_SECRET, NOON, settings

ORDERS, LINKS = "/v1/orders", "/v1/payment_links"


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake of Razorpay's API."""
    async with fake_api() as running:
        yield running


@pytest_asyncio.fixture
async def provider(api: FakeApi) -> AsyncIterator[Provider]:
    """The adapter, pointed at the fake."""
    adapter = RazorpayProvider(settings(api.base), ManualClock(NOON))
    yield adapter
    await adapter.aclose()


async def test_a_payment_session_opens_an_order(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", ORDERS, fake.order())
    opened = await provider.open_checkout(fake.request(user_id="u1", plan="basic"))
    assert (opened.ref, opened.url) == (fake.ORDER, None)
    assert (opened.amount, opened.currency) == (29900, "INR")
    assert api.last().json() == {
        "amount": 29900,
        "currency": "INR",
        "receipt": "ps_1",
        "notes": {"sessionId": "ps_1", "merchantId": "default", "userId": "u1", "plan": "basic"},
    }
    login = base64.b64encode(f"rzp_test_1DP5mmOlF5G5ag:{KEY_SECRET}".encode()).decode()
    assert api.last().headers["authorization"] == f"Basic {login}"


async def test_a_checkout_session_opens_a_payment_link(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", LINKS, fake.link())
    opened = await provider.open_checkout(
        fake.request(kind="checkout", email="a@example.com", expires_at=NOON + timedelta(hours=2))
    )
    assert (opened.ref, opened.url) == (fake.LINK, "https://rzp.io/i/nxrHnLJ")
    sent = api.last().json()
    assert sent["expire_by"] == int((NOON + timedelta(hours=2)).timestamp())
    assert sent["reference_id"] == "ps_1"
    assert sent["callback_url"] == "https://shop.example/thanks"
    assert sent["callback_method"] == "get"
    assert sent["accept_partial"] is False
    assert sent["notify"] == {"sms": False, "email": False}
    assert sent["customer"] == {"email": "a@example.com"}


async def test_a_link_lives_for_fifteen_minutes_at_least(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", LINKS, fake.link())
    opened = await provider.open_checkout(fake.request(kind="checkout", expires_at=NOON))
    sent = api.last().json()["expire_by"]
    assert isinstance(sent, int)
    assert sent >= (NOON + timedelta(minutes=15)).timestamp()
    assert opened.expires_at is not None


async def test_a_repeated_opening_finds_the_first_order(api: FakeApi, provider: Provider) -> None:
    second = fake.order(id="order_second", created_at=1567674999)
    foreign = fake.order(id="order_foreign", notes={"sessionId": "ps_1", "merchantId": "other"})
    api.answer("GET", ORDERS, {"items": [second, foreign, fake.order()]})
    opened = await provider.open_checkout(fake.request(repeated=True))
    assert opened.ref == fake.ORDER
    assert api.calls() == [("GET", ORDERS)]
    assert api.last().query == {"receipt": "ps_1"}


async def test_a_repeated_opening_that_never_arrived_opens(
    api: FakeApi, provider: Provider
) -> None:
    api.answer("GET", ORDERS, {"items": [fake.order(receipt="ps_1-2")]})
    api.answer("POST", ORDERS, fake.order())
    await provider.open_checkout(fake.request(repeated=True))
    assert api.calls() == [("GET", ORDERS), ("POST", ORDERS)]


async def test_a_used_reference_leads_to_the_link_that_has_it(
    api: FakeApi, provider: Provider
) -> None:
    api.answer("POST", LINKS, fake.refusal("payment link with given reference_id already exists"))
    api.answer("GET", LINKS, {"payment_links": [fake.link()]})
    opened = await provider.open_checkout(fake.request(kind="checkout"))
    assert opened.ref == fake.LINK
    assert api.last().query == {"reference_id": "ps_1"}


async def test_a_used_reference_of_a_cancelled_link_is_refused(
    api: FakeApi, provider: Provider
) -> None:
    api.answer("POST", LINKS, fake.refusal("payment link with given reference_id already exists"))
    api.answer("GET", LINKS, {"payment_links": [fake.link("cancelled")]})
    with pytest.raises(ProviderFailed, match="already exists") as caught:
        await provider.open_checkout(fake.request(kind="checkout"))
    assert caught.value.definite


async def test_a_wrong_key_is_told_without_the_key(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", ORDERS, (401, {"error": {"description": "Authentication failed"}}))
    with pytest.raises(ProviderFailed, match="Authentication failed") as caught:
        await provider.open_checkout(fake.request())
    assert caught.value.definite
    assert KEY_SECRET not in str(caught.value)
    assert api.calls() == [("POST", ORDERS)]


async def test_a_server_error_is_definite(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", ORDERS, (503, b"<html>busy</html>"))
    with pytest.raises(ProviderFailed, match="503") as caught:
        await provider.open_checkout(fake.request())
    assert caught.value.definite


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"id": "order_1", "id": "order_2"}', b"{}"])
async def test_an_unreadable_success_leaves_the_outcome_open(
    api: FakeApi, provider: Provider, body: bytes
) -> None:
    api.answer("POST", ORDERS, (200, body))
    with pytest.raises(ProviderUnreachable):
        await provider.open_checkout(fake.request())


async def test_a_closed_port_leaves_the_outcome_open() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{free.getsockname()[1]}"
    adapter = RazorpayProvider(settings(base), ManualClock(NOON))
    with pytest.raises(ProviderUnreachable) as caught:
        await adapter.open_checkout(fake.request())
    assert not caught.value.definite
    await adapter.aclose()


async def test_a_subscription_to_no_plan_is_refused_before_any_call(
    api: FakeApi, provider: Provider
) -> None:
    with pytest.raises(ProviderFailed, match="name one in the catalog"):
        await provider.open_checkout(fake.request(mode="subscription"))
    with pytest.raises(ProviderFailed, match="set RAZORPAY_PLAN_BASIC"):
        await provider.open_checkout(fake.request(mode="subscription", plan="basic"))
    assert api.calls() == []


async def test_without_a_key_nothing_is_called(api: FakeApi) -> None:
    bare = settings(api.base).model_copy(update={"key_secret": None})
    adapter = RazorpayProvider(bare, ManualClock(NOON))
    with pytest.raises(ProviderFailed, match="RAZORPAY_KEY_SECRET"):
        await adapter.open_checkout(fake.request())
    with pytest.raises(ProviderFailed, match="RAZORPAY_KEY_SECRET"):
        await adapter.fetch(fake.ORDER)
    assert api.calls() == []
    await adapter.aclose()


async def test_a_base_address_may_end_in_its_version(api: FakeApi) -> None:
    adapter = RazorpayProvider(settings(f"{api.base}/sandbox/razorpay/v1"), ManualClock(NOON))
    api.answer("POST", "/sandbox/razorpay/v1/orders", fake.order())
    assert (await adapter.open_checkout(fake.request())).ref == fake.ORDER
    await adapter.aclose()


@pytest.mark.parametrize(
    ("key_id", "live"), [("rzp_live_x", True), ("rzp_test_x", False), ("other", None), (None, None)]
)
def test_the_key_tells_the_mode(key_id: str | None, live: bool | None) -> None:
    changed = settings().model_copy(update={"key_id": key_id})
    assert RazorpayProvider(changed, ManualClock(NOON)).live is live


def test_without_a_webhook_secret_there_is_no_webhook() -> None:
    changed = settings().model_copy(update={"webhook_secrets": ()})
    assert RazorpayProvider(changed, ManualClock(NOON)).receives_webhooks is False


@pytest.mark.parametrize(
    ("api_base", "script"),
    [
        ("https://api.razorpay.com", "https://checkout.razorpay.com/v1/checkout.js"),
        ("https://api.razorpay.com/v1", "https://checkout.razorpay.com/v1/checkout.js"),
        ("http://127.0.0.1:9/sandbox/razorpay", "http://127.0.0.1:9/sandbox/razorpay/checkout.js"),
    ],
)
def test_an_order_is_drawn_by_razorpays_script_with_the_public_key(
    api_base: str, script: str
) -> None:
    drawing: Provider = RazorpayProvider(settings(api_base), ManualClock(NOON))
    assert isinstance(drawing, DrawsCheckouts)
    assert drawing.checkout_script() == CheckoutScript(script, "rzp_test_1DP5mmOlF5G5ag")
