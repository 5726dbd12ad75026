"""A browser that tries again pays the price of today; money at the old price is for a person."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from httpx import Response

from service.catalog.errors import QuoteExpired
from service.core.clock import ManualClock
from service.sessions.checkouts import begin
from service.sessions.operations.opening import existing, requote
from service.sessions.operations.opening.new_session import NewSession
from service.settings import Settings
from service.storage.database import Database
from tests.providers.stripe.answers import CREATE, checkout
from tests.providers.stripe.fake import FakeStripe, fake_stripe
from tests.sessions.asking import (
    CREATE_CHECKOUT,
    fields_of,
    payment_body,
    problem,
    put_coupon,
    put_price,
    token_of,
)
from tests.support.api import PUBLISHABLE, SECRET, Api
from tests.support.events import stripe_checkout, stripe_event
from tests.support.settings import make_settings

_AGAIN = {"sessionId": "s-1"}


@pytest_asyncio.fixture
async def stripe() -> AsyncIterator[FakeStripe]:
    """A stand-in for Stripe on loopback."""
    async with fake_stripe() as fake:
        yield fake


@pytest.fixture
def settings(stripe: FakeStripe) -> Settings:
    """Settings whose Stripe is the stand-in."""
    return make_settings(STRIPE_API_BASE=stripe.url)


def _body(**changes: Any) -> dict[str, Any]:
    usual = {"sessionId": "s-1", "paymentMethod": "upi", "amount": None, "metadata": None}
    return payment_body(**(usual | changes))


async def _opened(api: Api, key: str = PUBLISHABLE, **changes: Any) -> dict[str, str]:
    """Open a checkout at 1000 INR, by UPI, which calls nobody; return the opener's proof."""
    await put_price(api, "event_456", 1000, "INR")
    answer = await api.call("POST", CREATE_CHECKOUT, key, json=_body(**changes))
    assert answer.status_code == 201, answer.text
    return {"X-Client-Secret": answer.json()["clientSecret"]}


async def _price_is(api: Api, amount: int, clock: ManualClock) -> None:
    """Change the price, and let the session run out."""
    await put_price(api, "event_456", amount, "INR")
    clock.advance(timedelta(hours=1))


@pytest.mark.parametrize("kind", ["publishable", "user"])
async def test_a_retry_from_a_browser_is_quoted_anew(
    api: Api, clock: ManualClock, kind: str
) -> None:
    key = PUBLISHABLE if kind == "publishable" else token_of("user_123", clock)
    proof = await _opened(api, key)
    for amount in (1500, 1200):
        await _price_is(api, amount, clock)
        again = await api.call("POST", CREATE_CHECKOUT, key, json=_AGAIN, headers=proof)
        assert again.status_code == 201, again.text
        assert (again.json()["amount"], again.json()["currency"]) == (amount, "INR")
        assert f"am={amount // 100}.00" in again.json()["checkoutUrl"]
        session = await api.read("s-1")
        assert (session["status"], session["amount"]) == ("pending", amount)
    assert session["history"][-1]["reason"] == "retried at 1200 INR, it was 1500"
    assert session["history"][-1]["by"].partition(":")[0] == kind  # who tried, not the provider


async def test_without_the_new_quote_an_old_price_is_kept_for_ever(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stands(*_: object) -> None:
        return None

    monkeypatch.setattr(begin, "requote", stands)
    proof = await _opened(api)
    await _price_is(api, 1500, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert again.json()["amount"] == 1000


async def test_a_catalog_price_is_todays_whoever_opened_the_session(
    api: Api, clock: ManualClock
) -> None:
    proof = await _opened(api, SECRET)
    await _price_is(api, 1500, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert (again.status_code, again.json()["amount"]) == (201, 1500)


async def test_a_server_keeps_its_own_price_whoever_tries_again(
    api: Api, clock: ManualClock
) -> None:
    await _opened(api, SECRET, amount=800)
    await _price_is(api, 1500, clock)
    for key in (SECRET, token_of("user_123", clock)):
        again = await api.call("POST", CREATE_CHECKOUT, key, json=_AGAIN)
        assert (again.status_code, again.json()["amount"]) == (201, 800)
        clock.advance(timedelta(hours=1))


async def test_a_session_of_before_is_quoted_by_who_opened_it(
    api: Api, clock: ManualClock, database: Database
) -> None:
    proof = await _opened(api)
    await database["sessions"].update_many({}, {"$unset": {"pricedBy": 1}})
    await _price_is(api, 1500, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert again.json()["amount"] == 1500


async def test_what_is_sold_no_more_at_this_price_is_told_and_nothing_is_changed(
    api: Api, clock: ManualClock
) -> None:
    await put_coupon(api, "ADVENT", basisPoints=1000)
    proof = await _opened(api, couponCode="ADVENT")
    before = await api.read("s-1")
    assert before["amount"] == 900
    await put_coupon(api, "ADVENT", basisPoints=1000, expiresAt="2026-11-21T12:30:00Z")
    await _price_is(api, 1500, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    problem(again, 400, "coupon_unknown")
    session = await api.read("s-1")
    assert (session["status"], session["amount"], session["version"]) == (
        "expired",
        900,
        before["version"],
    )


async def test_a_body_that_names_the_old_amount_is_told_the_new_one(
    api: Api, clock: ManualClock
) -> None:
    proof = await _opened(api, amount=1000)
    await _price_is(api, 1500, clock)
    body = _body(amount=1000)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body, headers=proof)
    told = problem(again, 400, "amount_mismatch")
    assert fields_of(again) == {"amount"}
    assert "1500 INR" in told["errors"][0]["message"]


async def test_a_retry_that_a_coupon_makes_free_completes(api: Api, clock: ManualClock) -> None:
    await put_coupon(api, "ADVENT", amount=100, currency="INR")
    proof = await _opened(api, couponCode="ADVENT")
    await _price_is(api, 100, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert (again.json()["status"], again.json()["amount"]) == ("completed", 0)
    assert (await api.read("s-1"))["amount"] == 0


def _opens(stripe: FakeStripe, n: int, amount: int) -> None:
    found = checkout(
        id=f"cs_test_{n}",
        url=f"https://checkout.stripe.com/c/pay/cs_test_{n}",
        amount_total=amount,
        currency="inr",
        expires_at=None,
    )
    stripe.will_answer(CREATE, found)
    stripe.will_answer(f"POST /v1/checkout/sessions/cs_test_{n}/expire", {"status": "expired"})


async def test_late_money_of_the_old_price_is_for_a_person(
    api: Api, clock: ManualClock, stripe: FakeStripe
) -> None:
    _opens(stripe, 1, 1000)
    _opens(stripe, 2, 1500)
    proof = await _opened(api, paymentMethod="stripe", currency="INR")
    old = await api.read("s-1")
    await _price_is(api, 1500, clock)
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert (again.status_code, again.json()["amount"]) == (201, 1500), again.text
    sent = [one.params for one in stripe.asked if f"{one.method} {one.path}" == CREATE]
    assert [one["line_items[0][price_data][unit_amount]"] for one in sent] == ["1000", "1500"]
    paid = stripe_checkout(old, id="cs_test_1", payment_intent="pi_old")
    signed_at = int(clock.now().timestamp())
    event = stripe_event("checkout.session.completed", paid, signed_at=signed_at)
    assert (await api.told(event))["outcome"] == "review"
    session = await api.read("s-1")
    assert (session["status"], session["review"]["reason"]) == ("pending", "amount_mismatch")
    # While that money waits, no other price is made of the session.
    clock.advance(timedelta(hours=1))
    await put_price(api, "event_456", 1700, "INR")
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    problem(again, 409, "not_payable")


@pytest.mark.parametrize(("price", "attempts"), [(1500, ["1", "2"]), (1000, ["1", "1"])])
async def test_an_attempt_of_unknown_fate_is_not_repeated_at_another_price(
    api: Api, clock: ManualClock, stripe: FakeStripe, price: int, attempts: list[str]
) -> None:
    """The same key with another amount is refused by a provider; the same price repeats the key."""
    stripe.will("hang up", CREATE)
    await put_price(api, "event_456", 1000, "INR")
    body = _body(paymentMethod="stripe", currency="INR")
    opened = await api.call("POST", "/api/payment-sessions", PUBLISHABLE, json=body)
    proof = {"X-Client-Secret": opened.json()["clientSecret"]}
    lost = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert lost.status_code == 504
    _opens(stripe, 2, price)
    clock.advance(timedelta(minutes=30))  # the session is over, the attempt at the provider is not
    await put_price(api, "event_456", price, "INR")
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert (again.status_code, again.json()["amount"]) == (201, price), again.text
    asked = [one for one in stripe.asked if f"{one.method} {one.path}" == CREATE]
    keys = [one.headers["idempotency-key"].rpartition(":")[2] for one in asked]
    assert list(dict.fromkeys(keys)) == list(dict.fromkeys(attempts))


async def _quote(api: Api) -> str:
    asked = {"items": {"eventId": "event_456"}, "quantity": 1, "currency": "INR"}
    answer = await api.call("POST", "/api/quotes", PUBLISHABLE, json=asked)
    return str(answer.json()["quote"]["quoteId"])


async def test_a_page_that_quotes_anew_before_it_tries_again_gets_its_session(
    api: Api, clock: ManualClock
) -> None:
    await put_price(api, "event_456", 1000, "INR")
    proof = await _opened(api, quoteId=await _quote(api))
    await _price_is(api, 1500, clock)
    dear = _body(quoteId=await _quote(api))
    await put_price(api, "event_456", 1200, "INR")
    for _ in range(2):  # what was quoted holds, and the checkout is handed out again
        again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=dear, headers=proof)
        assert again.is_success, again.text
        assert (again.json()["amount"], again.json()["sessionId"]) == (1500, "s-1")
    assert (await api.read("s-1"))["attempts"] == 2

    other = _body(quoteId=await _quote(api))
    refused = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=other, headers=proof)
    problem(refused, 409, "open_session_differs")
    two = _body(quantity=2, amount=2400)
    for body, headers, key in [
        (other, {}, PUBLISHABLE),  # a stranger
        (two, proof, PUBLISHABLE),  # another thing
        (other, {}, SECRET),  # a server's retry keeps the price, and names none
    ]:
        refused = await api.call("POST", CREATE_CHECKOUT, key, json=body, headers=headers)
        problem(refused, 409, "session_exists")
    assert (await api.read("s-1"))["amount"] == 1500


async def test_control_told_apart_by_its_quote_the_session_would_be_taken(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NewSession, "asks_for", lambda *_: False)
    await put_price(api, "event_456", 1000, "INR")
    proof = await _opened(api, quoteId=await _quote(api))
    await _price_is(api, 1500, clock)
    body = _body(quoteId=await _quote(api))
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body, headers=proof)
    problem(again, 409, "session_exists")


async def _tried_again_elsewhere(api: Api, clock: ManualClock, how: str) -> Response:
    """Ask for 1000 as a page, try again at 1500 in another tab, and send the first body anew."""
    await put_price(api, "event_456", 1000, "INR")
    named = {"amount": 1000} if how == "amount" else {"quoteId": await _quote(api)}
    proof = await _opened(api, **named)
    await put_price(api, "event_456", 1500, "INR")
    if how == "quote that holds":
        failed = {"sessionId": "s-1", "status": "failed"}
        assert (await api.call("PATCH", "/api/payment-sessions", SECRET, json=failed)).is_success
    else:
        clock.advance(timedelta(hours=1))
    again = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_AGAIN, headers=proof)
    assert (again.status_code, again.json()["amount"]) == (201, 1500)
    return await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_body(**named), headers=proof)


_NAMED = pytest.mark.parametrize("how", ["amount", "quote that holds", "quote that is over"])


@_NAMED
async def test_a_body_that_named_another_price_is_not_handed_what_is_open_at_todays(
    api: Api, clock: ManualClock, how: str
) -> None:
    refused = await _tried_again_elsewhere(api, clock, how)
    assert "1500 INR" in problem(refused, 409, "open_session_differs")["detail"]


@_NAMED
async def test_control_not_held_to_what_it_named_it_pays_what_it_was_not_shown(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(existing, "named_amount", lambda *_: None)
    handed = await _tried_again_elsewhere(api, clock, how)
    assert (handed.status_code, handed.json()["amount"]) == (200, 1500)


async def _tried_again_with_its_quote(api: Api, clock: ManualClock, amount: int) -> Response:
    """Open at a quoted 1000, let session and quote run out, and send the same body once more."""
    await put_price(api, "event_456", 1000, "INR")
    body = _body(quoteId=await _quote(api))
    proof = await _opened(api, quoteId=body["quoteId"])
    await _price_is(api, amount, clock)
    return await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body, headers=proof)


async def test_a_quote_that_has_run_out_is_no_hindrance_while_its_price_is_todays(
    api: Api, clock: ManualClock
) -> None:
    again = await _tried_again_with_its_quote(api, clock, 1000)
    assert (again.status_code, again.json()["amount"]) == (201, 1000), again.text
    assert (await api.read("s-1"))["status"] == "pending"


async def test_a_quote_that_has_run_out_is_refused_once_the_price_has_changed(
    api: Api, clock: ManualClock
) -> None:
    again = await _tried_again_with_its_quote(api, clock, 1500)
    problem(again, 400, "quote_expired")
    assert fields_of(again) == {"quoteId"}
    session = await api.read("s-1")
    assert (session["status"], session["amount"], session["attempts"]) == ("expired", 1000, 1)


async def test_control_where_no_quote_runs_out_the_old_one_is_refused_at_todays_price_too(
    api: Api, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Another(QuoteExpired):
        """Stands for the error, so that nobody waits for it."""

    monkeypatch.setattr(requote, "QuoteExpired", Another)
    problem(await _tried_again_with_its_quote(api, clock, 1000), 400, "quote_expired")
