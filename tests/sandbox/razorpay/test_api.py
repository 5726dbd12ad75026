"""The played Razorpay's API, called by our own adapter and by plain HTTP."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.core.errors import CaptureRefused, ProviderFailed
from service.providers.base import CheckoutRequest, OpenedCheckout
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Fact,
    PaymentAuthorized,
    PaymentFailed,
    PaymentSucceeded,
)
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.razorpay.settings import RazorpaySettings
from tests.conftest import NOON
from tests.sandbox.played import checkout_request, standing
from tests.sandbox.razorpay.conftest import Played
from tests.support.settings import make_settings
from tillgate_sandbox.states import Happening

PAGES = "http://127.0.0.1:8000/sandbox/pay"

CALLS = [
    ("POST", "/orders"),
    ("GET", "/orders"),
    ("GET", "/orders/order_1"),
    ("GET", "/orders/order_1/payments"),
    ("POST", "/payment_links"),
    ("GET", "/payment_links"),
    ("GET", "/payment_links/plink_1"),
    ("POST", "/payment_links/plink_1/cancel"),
    ("GET", "/payments/pay_1"),
    ("POST", "/payments/pay_1/capture"),
    ("POST", "/payments/pay_1/refund"),
    ("GET", "/payments/pay_1/refunds"),
    ("GET", "/refunds/rfnd_1"),
]


def request(**changed: object) -> CheckoutRequest:
    """A request that ends in half an hour."""
    return checkout_request(NOON + timedelta(minutes=30), **changed)


async def opened(played: Played, kind: str = "payment", **changed: object) -> OpenedCheckout:
    """Open a checkout by the adapter."""
    return await played.adapter.open_checkout(request(kind=kind, **changed))


def kinds(facts: tuple[Fact, ...]) -> list[type]:
    """Return the types of facts."""
    return [type(fact) for fact in facts]


async def error_of(http: AsyncClient, method: str, path: str, **options: Any) -> dict[str, Any]:
    """Make a call that must be refused, and return the error."""
    answer = await http.request(method, path, **options)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    assert {"code", "description", "field", "source", "step", "reason"} <= set(error)
    assert error["code"] == "BAD_REQUEST_ERROR"
    return error


async def test_an_order_is_opened_as_it_was_asked_for_and_has_a_page(played: Played) -> None:
    order = await opened(played)
    assert (order.amount, order.currency, order.url) == (29900, "INR", None)
    kept = await standing(order.ref)
    assert (kept.session_id, kept.page_id) == ("ps_1", order.ref)
    told = (await played.http.get(f"/orders/{order.ref}")).json()
    assert (told["receipt"], told["status"], told["amount_due"]) == ("ps_1", "created", 29900)
    assert told["notes"] == {"sessionId": "ps_1", "merchantId": "default"}


async def test_a_link_is_opened_with_the_address_of_its_page(played: Played) -> None:
    link = await opened(played, "checkout")
    kept = await standing(link.ref)
    assert link.url == f"{PAGES}/{kept.page_id}"
    assert link.expires_at == NOON + timedelta(minutes=30)
    assert kept.success_url == "https://shop.example/thanks"


@pytest.mark.parametrize("kind", ["payment", "checkout"])
async def test_opening_one_attempt_many_times_at_once_opens_one_checkout(
    played: Played, kind: str
) -> None:
    found = await asyncio.gather(*(opened(played, kind) for _ in range(8)))
    assert len({one.ref for one in found}) == 1


@pytest.mark.parametrize(
    ("kind", "words"), [("payment", "receipt should be unique"), ("checkout", "already exists")]
)
async def test_the_reference_of_another_session_is_refused(
    played: Played, kind: str, words: str
) -> None:
    await opened(played, kind)
    with pytest.raises(ProviderFailed, match=words) as caught:
        await opened(played, kind, session_id="ps_2")
    assert caught.value.definite


async def test_the_reference_of_a_cancelled_link_stays_used(played: Played) -> None:
    link = await opened(played, "checkout")
    assert (await played.adapter.close_checkout(link.ref)).closed
    assert (await played.adapter.close_checkout(link.ref)).closed
    with pytest.raises(ProviderFailed, match="already exists"):
        await opened(played, "checkout")


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_nothing_answers_without_the_key(played: Played, method: str, path: str) -> None:
    for wrong in (None, ("rzp_test_0123456789", "another"), ("", "")):
        answer = await played.http.request(method, path, auth=wrong)
        assert answer.status_code == 401
        error = answer.json()["error"]
        assert (error["code"], error["description"]) == (
            "BAD_REQUEST_ERROR",
            "Authentication failed",
        )


async def test_a_sandbox_without_a_key_lets_nobody_in(played: Played, clock: ManualClock) -> None:
    settings = make_settings(RAZORPAY_KEY_ID="rzp_test_other")
    own = settings.of(RazorpaySettings).model_copy(
        update={"api_base": str(played.http.base_url).removesuffix("/v1/")}
    )
    stranger = RazorpayProvider(own, clock)
    with pytest.raises(ProviderFailed, match="Authentication failed"):
        await stranger.open_checkout(request())
    await stranger.aclose()


@pytest.mark.parametrize("kind", ["payment", "checkout"])
async def test_a_reread_finds_what_happened(played: Played, kind: str) -> None:
    ref = (await opened(played, kind)).ref
    assert kinds((await played.adapter.fetch(ref)).facts) == [CheckoutOpen]
    await played.let(ref, Happening.DECLINED, decline_code="insufficient_funds")
    failed, still_open = (await played.adapter.fetch(ref)).facts
    assert isinstance(failed, PaymentFailed)
    assert failed.failure_code == "insufficient_funds"
    assert isinstance(still_open, CheckoutOpen)
    await played.let(ref, Happening.PAID, method="upi")
    (paid,) = (await played.adapter.fetch(ref)).facts
    assert isinstance(paid, PaymentSucceeded)
    assert (paid.payment.amount, paid.payment.currency, paid.payment.method) == (
        29900,
        "INR",
        "upi",
    )


async def test_held_money_is_captured_once(played: Played) -> None:
    ref = (await opened(played)).ref
    checkout = await played.let(ref, Happening.AUTHORIZED)
    assert kinds((await played.adapter.fetch(ref)).facts) == [PaymentAuthorized]
    payment_id = checkout.payments[0].id
    with pytest.raises(ProviderFailed, match="equal to the amount authorized"):
        await played.adapter.capture(payment_id, 29800, "INR")
    for _ in range(2):
        await played.adapter.capture(payment_id, 29900, "INR")
    assert kinds((await played.adapter.fetch(ref)).facts) == [PaymentSucceeded]


async def test_of_two_payments_held_in_one_order_the_named_one_is_captured(played: Played) -> None:
    ref = (await opened(played)).ref
    checkout = await played.let(ref, Happening.AUTHORIZED, Happening.AUTHORIZED)
    first, second = (one.id for one in checkout.payments)
    await played.adapter.capture(first, 29900, "INR")
    with pytest.raises(CaptureRefused):
        await played.adapter.capture(second, 29900, "INR")
    stored = {one.id: one.status for one in (await standing(ref)).payments}
    assert stored == {first: "succeeded", second: "authorized"}


async def test_a_slow_bank_is_no_news_until_it_settles(played: Played) -> None:
    ref = (await opened(played)).ref
    await played.let(ref, Happening.DELAYED)
    assert kinds((await played.adapter.fetch(ref)).facts) == [CheckoutOpen]
    await played.let(ref, Happening.SETTLED)
    assert kinds((await played.adapter.fetch(ref)).facts) == [PaymentSucceeded]


async def test_an_order_outlives_a_bank_that_bounced(played: Played) -> None:
    ref = (await opened(played)).ref
    await played.let(ref, Happening.DELAYED, Happening.BOUNCED)
    failed, still_open = (await played.adapter.fetch(ref)).facts
    assert isinstance(failed, PaymentFailed)
    assert failed.failure_code == "payment_timed_out"
    assert isinstance(still_open, CheckoutOpen)

    await played.let(ref, Happening.PAID)
    assert PaymentSucceeded in kinds((await played.adapter.fetch(ref)).facts)
    order = (await played.http.get(f"/orders/{ref}")).json()
    assert (order["status"], order["attempts"]) == ("paid", 2)


@pytest.mark.parametrize(
    ("happening", "fact"),
    [(Happening.EXPIRED, CheckoutExpired), (Happening.CANCELED, CheckoutFailed)],
)
async def test_a_link_ends(played: Played, happening: Happening, fact: type[Fact]) -> None:
    ref = (await opened(played, "checkout")).ref
    await played.let(ref, happening)
    assert kinds((await played.adapter.fetch(ref)).facts) == [fact]
    assert (await played.adapter.close_checkout(ref)).closed


async def test_closing_a_paid_checkout_finds_the_payment(played: Played) -> None:
    for kind in ("payment", "checkout"):
        ref = (await opened(played, kind, attempt_id=f"ps_{kind}")).ref
        await played.let(ref, Happening.PAID)
        closed = await played.adapter.close_checkout(ref)
        assert closed.event is not None
        assert kinds(closed.event.facts) == [PaymentSucceeded]


async def test_the_order_of_a_link_shows_its_payments(played: Played) -> None:
    link = await opened(played, "checkout")
    await played.let(link.ref, Happening.AUTHORIZED)
    order_id = (await played.http.get(f"/payment_links/{link.ref}")).json()["order_id"]
    assert (await played.http.get(f"/orders/{order_id}")).json()["status"] == "attempted"
    payments = (await played.http.get(f"/orders/{order_id}/payments")).json()
    assert payments["count"] == 1
    assert payments["items"][0]["order_id"] == order_id


async def test_lists_find_by_reference_and_are_newest_first(played: Played) -> None:
    for attempt in ("a-1", "a-2"):
        played.clock.advance(timedelta(seconds=1))
        await opened(played, attempt_id=attempt)
        await opened(played, "checkout", attempt_id=attempt)
    orders = (await played.http.get("/orders")).json()
    assert [one["receipt"] for one in orders["items"]] == ["a-2", "a-1"]
    orders = (await played.http.get("/orders", params={"receipt": "a-1"})).json()
    assert [one["receipt"] for one in orders["items"]] == ["a-1"]
    links = (await played.http.get("/payment_links", params={"reference_id": "a-2"})).json()
    assert [one["reference_id"] for one in links["payment_links"]] == ["a-2"]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/orders", {}, "amount: is required."),
        ("/orders", {"amount": 100.5}, "The amount must be an integer."),
        ("/orders", {"amount": "100"}, "The amount must be an integer."),
        ("/orders", {"amount": 99}, "less than minimum"),
        ("/orders", {"amount": 100, "currency": "XXQ"}, "Currency is not supported"),
        ("/orders", {"amount": 100, "receipt": "r" * 41}, "may not be greater than 40"),
        ("/orders", {"amount": 100, "transfers": []}, "should not be sent"),
        ("/orders", {"amount": 100, "notes": {str(n): "" for n in range(16)}}, "fields in notes"),
        ("/orders", {"amount": 100, "notes": {"a": "b" * 257}}, "greater than 256"),
        ("/payment_links", {"amount": 100, "expire_by": 1}, "atleast 15 minutes"),
        ("/payment_links", {"amount": 100, "reference_id": 7}, "must be a string"),
    ],
)
async def test_what_razorpay_refuses_is_refused(
    played: Played, path: str, body: dict[str, Any], words: str
) -> None:
    error = await error_of(played.http, "POST", path, json=body)
    assert words in error["description"]


async def test_a_body_that_is_no_json_is_refused_in_razorpays_shape(played: Played) -> None:
    for body in (b"{", b"[]", b'{"amount": 1, "amount": 2}'):
        await error_of(played.http, "POST", "/orders", content=body)


async def test_unknown_ids_are_refused_in_razorpays_words(played: Played) -> None:
    for method, path in CALLS:
        if "_1" in path:
            error = await error_of(played.http, method, path)
            assert error["description"] == "The id provided does not exist"
