"""Re-reading, closing and capturing, against a real server on loopback."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.errors import MalformedBody, ProviderFailed, ProviderUnreachable
from service.providers.base import Provider
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    PaidPartially,
    PaymentAuthorized,
    PaymentFailed,
    PaymentSucceeded,
)
from service.providers.razorpay.adapter import RazorpayProvider
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.providers.razorpay import fake
from tests.providers.razorpay.case import NOON, settings

ORDER_PATH = f"/v1/orders/{fake.ORDER}"
LINK_PATH = f"/v1/payment_links/{fake.LINK}"
PAYMENT_PATH = f"/v1/payments/{fake.PAYMENT}"


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


def has_order(api: FakeApi, status: str, *payments: Json) -> None:
    """Let the fake hold an order with payments."""
    api.answer("GET", ORDER_PATH, fake.order(status))
    api.answer("GET", f"{ORDER_PATH}/payments", {"entity": "collection", "items": list(payments)})


@pytest.mark.parametrize(
    ("status", "payments", "kinds", "found"),
    [
        ("created", [], [CheckoutOpen], "-:-"),
        ("attempted", ["created"], [CheckoutOpen], f"{fake.PAYMENT}:created"),
        ("attempted", ["failed"], [PaymentFailed, CheckoutOpen], f"{fake.PAYMENT}:failed"),
        ("attempted", ["authorized"], [PaymentAuthorized], f"{fake.PAYMENT}:authorized"),
        ("paid", ["captured"], [PaymentSucceeded], f"{fake.PAYMENT}:captured"),
    ],
)
async def test_an_order_tells_what_was_found(
    api: FakeApi,
    provider: Provider,
    status: str,
    payments: list[str],
    kinds: list[type],
    found: str,
) -> None:
    has_order(api, status, *(fake.payment(one) for one in payments))
    event = await provider.fetch(fake.ORDER)
    assert [type(fact) for fact in event.facts] == kinds
    assert event.event_id == f"fetch:{fake.ORDER}:{status}:{found}"
    assert event.subject.checkout_refs == (fake.ORDER,)
    assert event.subject.sent_ids == ("ps_1",)
    assert (event.occurred_at, event.live) == (NOON, False)
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_a_later_failure_does_not_hide_the_money(api: FakeApi, provider: Provider) -> None:
    late = fake.payment("failed", id="pay_late", created_at=1567679999)
    has_order(api, "paid", late, fake.payment("captured"))
    (fact,) = (await provider.fetch(fake.ORDER)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.provider_payment_id == fake.PAYMENT


async def test_a_second_captured_payment_is_a_new_finding(api: FakeApi, provider: Provider) -> None:
    second = fake.payment("captured", id="pay_second", created_at=1567679999)
    has_order(api, "paid", fake.payment("captured"), second)
    event = await provider.fetch(fake.ORDER)
    assert len(event.facts) == 2
    assert event.event_id.endswith("pay_second:captured")


@pytest.mark.parametrize(
    ("captured", "kinds"),
    [(True, [PaymentSucceeded]), ("1", [PaymentSucceeded]), (False, [PaymentFailed])],
)
async def test_a_refunded_payment_was_ours_only_if_it_was_captured(
    api: FakeApi, provider: Provider, captured: object, kinds: list[type]
) -> None:
    has_order(api, "paid", fake.payment("refunded", captured=captured))
    assert [type(fact) for fact in (await provider.fetch(fake.ORDER)).facts] == kinds


async def test_a_paid_link_tells_its_payment(api: FakeApi, provider: Provider) -> None:
    paid = fake.link("paid", payments=[{"payment_id": fake.PAYMENT, "status": "captured"}])
    api.answer("GET", LINK_PATH, paid)
    api.answer("GET", PAYMENT_PATH, fake.payment("captured"))
    event = await provider.fetch(fake.LINK)
    assert [type(fact) for fact in event.facts] == [PaymentSucceeded]
    assert event.event_id == f"fetch:{fake.LINK}:paid:{fake.PAYMENT}:captured"
    assert event.subject.checkout_refs == (fake.LINK, fake.ORDER)


@pytest.mark.parametrize(
    ("status", "kind"),
    [("created", CheckoutOpen), ("cancelled", CheckoutFailed), ("expired", CheckoutExpired)],
)
async def test_an_unpaid_link_tells_its_state(
    api: FakeApi, provider: Provider, status: str, kind: type
) -> None:
    api.answer("GET", LINK_PATH, fake.link(status))
    (fact,) = (await provider.fetch(fake.LINK)).facts
    assert isinstance(fact, kind)


async def test_a_held_payment_of_a_link_is_found_through_its_order(
    api: FakeApi, provider: Provider
) -> None:
    api.answer("GET", LINK_PATH, fake.link(order_id=fake.ORDER))
    api.answer("GET", f"{ORDER_PATH}/payments", {"items": [fake.payment("authorized")]})
    assert [type(fact) for fact in (await provider.fetch(fake.LINK)).facts] == [PaymentAuthorized]


async def test_a_part_of_a_link_is_not_the_whole(api: FakeApi, provider: Provider) -> None:
    partly = fake.link("partially_paid", payments=[{"payment_id": fake.PAYMENT}])
    api.answer("GET", LINK_PATH, partly)
    api.answer("GET", PAYMENT_PATH, fake.payment("captured", amount=10000))
    facts = (await provider.fetch(fake.LINK)).facts
    assert [type(fact) for fact in facts] == [PaidPartially, CheckoutOpen]


async def test_a_payment_can_be_read_by_itself(api: FakeApi, provider: Provider) -> None:
    api.answer("GET", PAYMENT_PATH, fake.payment("captured"))
    event = await provider.fetch(fake.PAYMENT)
    assert event.event_id == f"fetch:{fake.PAYMENT}:captured:{fake.PAYMENT}:captured"
    assert event.subject.checkout_refs == (fake.ORDER,)


@pytest.mark.parametrize(
    "ref", ["", "cs_1", "order_/../x", "plink_/../x", "order_1?a=b", "order_", "pay_é"]
)
async def test_a_foreign_ref_is_refused_before_any_call(
    api: FakeApi, provider: Provider, ref: str
) -> None:
    with pytest.raises(ProviderFailed):
        await provider.fetch(ref)
    with pytest.raises(ProviderFailed):
        await provider.close_checkout(ref)
    assert api.calls() == []


async def test_an_unreadable_payment_is_no_finding(api: FakeApi, provider: Provider) -> None:
    has_order(api, "paid", fake.payment("captured", amount="29900"))
    with pytest.raises(ProviderUnreachable):
        await provider.fetch(fake.ORDER)


async def test_an_unknown_order_is_told(api: FakeApi, provider: Provider) -> None:
    api.answer("GET", ORDER_PATH, fake.refusal("The id provided does not exist"))
    with pytest.raises(ProviderFailed, match="does not exist"):
        await provider.fetch(fake.ORDER)


async def test_an_open_link_is_cancelled(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", f"{LINK_PATH}/cancel", fake.link("cancelled"))
    closed = await provider.close_checkout(fake.LINK)
    assert (closed.closed, closed.event) == (True, None)


async def test_a_link_that_was_paid_meanwhile_is_told(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", f"{LINK_PATH}/cancel", fake.refusal("cannot cancel an already paid link"))
    api.answer("GET", LINK_PATH, fake.link("paid", payments=[{"payment_id": fake.PAYMENT}]))
    api.answer("GET", PAYMENT_PATH, fake.payment("captured"))
    closed = await provider.close_checkout(fake.LINK)
    assert closed.closed
    assert closed.event is not None
    assert isinstance(closed.event.facts[0], PaymentSucceeded)


async def test_a_link_that_ran_out_is_closed_already(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", f"{LINK_PATH}/cancel", fake.refusal("cannot cancel an expired link"))
    api.answer("GET", LINK_PATH, fake.link("expired"))
    closed = await provider.close_checkout(fake.LINK)
    assert (closed.closed, closed.event) == (True, None)


async def test_an_order_can_not_be_closed(api: FakeApi, provider: Provider) -> None:
    has_order(api, "created")
    closed = await provider.close_checkout(fake.ORDER)
    assert (closed.closed, closed.event) == (False, None)


async def test_an_order_that_is_paid_while_closing_is_told(
    api: FakeApi, provider: Provider
) -> None:
    has_order(api, "attempted", fake.payment("authorized"))
    closed = await provider.close_checkout(fake.ORDER)
    assert closed.event is not None
    assert isinstance(closed.event.facts[0], PaymentAuthorized)


async def test_a_held_payment_is_captured(api: FakeApi, provider: Provider) -> None:
    api.answer("POST", f"{PAYMENT_PATH}/capture", fake.payment("captured"))
    await provider.capture(fake.PAYMENT, 29900, "INR")
    assert api.last().json() == {"amount": 29900, "currency": "INR"}


async def test_a_captured_payment_is_no_error(api: FakeApi, provider: Provider) -> None:
    refusal = fake.refusal("This payment has already been captured")
    api.answer("POST", f"{PAYMENT_PATH}/capture", refusal)
    api.answer("GET", PAYMENT_PATH, fake.payment("captured"))
    await provider.capture(fake.PAYMENT, 29900, "INR")


async def test_a_refused_capture_is_told(api: FakeApi, provider: Provider) -> None:
    # The order was paid by another payment: this one stays held, whatever the text says.
    refusal = fake.refusal("declined as the order is already paid")
    api.answer("POST", f"{PAYMENT_PATH}/capture", refusal)
    api.answer("GET", PAYMENT_PATH, fake.payment("authorized"))
    with pytest.raises(ProviderFailed, match="already paid"):
        await provider.capture(fake.PAYMENT, 29900, "INR")


async def test_only_a_payment_can_be_captured(api: FakeApi, provider: Provider) -> None:
    with pytest.raises(ProviderFailed):
        await provider.capture(fake.ORDER, 29900, "INR")
    assert api.calls() == []


@pytest.mark.parametrize("payload", [b"[]", b"{}", b"not json", b'{"fetched": 5}'])
def test_a_stored_payload_that_is_broken_is_told(provider: Provider, payload: bytes) -> None:
    for event_id in ("evt_1", "fetch:order_1:paid:-:-"):
        with pytest.raises(MalformedBody):
            provider.translate_stored(event_id, payload)
