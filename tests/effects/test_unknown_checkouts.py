"""Where an event does not tell in which checkout its payment was made, its provider is asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.inbox.operations import apply, keeping
from service.providers.razorpay import adapter
from service.providers.razorpay.adapter import RazorpayProvider
from service.storage.database import Database
from tests.providers.http_fake import FakeApi, fake_api
from tests.sessions.asking import put_price
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.events import Delivery, razorpay_event, razorpay_payment, stripe_intent
from tests.support.limits import genuine
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

ORDER, LINK, LINKS, SESSIONS = "order_1", "plink_1", "/v1/payment_links", "/v1/checkout/sessions"


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[FakeApi]:
    """Razorpay and Stripe, which know nothing yet."""
    async with fake_api() as fake:
        yield fake


@pytest_asyncio.fixture
async def shop(provider: FakeApi, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that talks to them."""
    settings = make_settings(RAZORPAY_API_BASE=provider.base, STRIPE_API_BASE=provider.base)
    async with open_shop(settings, database, clock) as opened:
        yield opened


def _captured(session: dict[str, Any], payment_id: str = "pay_1") -> Delivery:
    payment = razorpay_payment(session, id=payment_id, order_id=ORDER, notes=[])
    return razorpay_event("payment.captured", {"payment": payment})


async def _link(shop: Shop) -> dict[str, Any]:
    return await shop.api.open(paymentMethod="razorpay", providerSessionId=LINK)


def _knows_the_link(provider: FakeApi) -> None:
    provider.answer("GET", f"/v1/orders/{ORDER}", {"id": ORDER, "receipt": None, "notes": []})
    foreign = {"id": "plink_9", "order_id": "order_9", "reference_id": "", "notes": []}
    ours = {"id": LINK, "order_id": ORDER, "reference_id": "", "notes": [], "payments": None}
    provider.answer("GET", LINKS, {"payment_links": [foreign, ours]})


async def _row(shop: Shop) -> tuple[str, str | None]:
    [row] = await shop.events()
    return row["status"], row["reason"]


async def test_the_order_of_a_link_is_learned_by_asking_and_kept(
    shop: Shop, provider: FakeApi
) -> None:
    session = await _link(shop)
    _knows_the_link(provider)
    assert (await shop.api.told(_captured(session)))["outcome"] == "processed"
    assert provider.received[-1].query == {"payment_id": "pay_1"}
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["checkoutIds"]) == ("completed", [ORDER, LINK])
    # The order is known from now on: nobody is asked about another payment of it.
    asked = len(provider.received)
    assert (await shop.api.told(_captured(session, "pay_2")))["outcome"] == "review"
    assert len(provider.received) == asked
    assert (await shop.session(session["sessionId"]))["review"]["reason"] == "duplicate_payment"


async def test_an_order_that_names_its_session_is_found_by_asking(
    shop: Shop, provider: FakeApi
) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    notes = {"sessionId": session["sessionId"], "merchantId": "default"}
    provider.answer("GET", f"/v1/orders/{ORDER}", {"id": ORDER, "receipt": None, "notes": notes})
    assert (await shop.api.told(_captured(session)))["outcome"] == "processed"


@pytest.mark.parametrize(("key", "outcome"), [(PUBLISHABLE, "parked"), (SECRET, "processed")])
async def test_a_receipt_that_is_found_by_asking_names_what_a_server_opened_alone(
    shop: Shop, provider: FakeApi, key: str, outcome: str
) -> None:
    await put_price(shop.api, "event_456", 1000, "INR")
    body = {"sessionId": "SHOP-1042", "userId": "u", "eventId": "event_456", "quantity": 1}
    body |= {"currency": "INR", "paymentMethod": "razorpay"}
    opened = await shop.api.call("POST", "/api/payment-sessions", key, json=body)
    assert opened.status_code == 201, opened.text
    theirs = {"id": ORDER, "receipt": "SHOP-1042", "notes": []}
    provider.answer("GET", f"/v1/orders/{ORDER}", theirs)
    paid = {"sessionId": "x", "amount": 1000, "currency": "INR"}
    assert (await shop.api.told(_captured(paid)))["outcome"] == outcome


async def test_control_without_asking_the_payment_of_a_link_is_parked(
    shop: Shop, provider: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        return None

    monkeypatch.setattr(RazorpayProvider, "checkout_of", nothing)
    session = await _link(shop)
    _knows_the_link(provider)
    assert (await shop.api.told(_captured(session)))["outcome"] == "parked"


async def test_a_provider_that_fails_is_asked_again_and_one_that_knows_nothing_is_not(
    shop: Shop, provider: FakeApi
) -> None:
    session = await _link(shop)
    provider.answer("GET", f"/v1/orders/{ORDER}", (500, {}))
    assert (await shop.api.told(_captured(session)))["outcome"] == "parked"
    assert await _row(shop) == ("parked", "the provider does not tell of its checkout")
    [payment] = await shop.payments()
    assert (payment["status"], payment["sessionId"]) == ("succeeded", None)

    provider.answers.clear()
    shop.pass_time(seconds=5)
    await shop.api.settle()
    assert await _row(shop) == ("parked", "no session matches")
    asked = len(provider.received)
    _knows_the_link(provider)
    shop.pass_time(seconds=5)
    await shop.api.settle()
    assert len(provider.received) == asked
    [event] = await shop.events()
    replayed = await shop.admin("POST", f"/webhook-events/{event['_id']}/replay")
    assert replayed.json()["outcome"] == "processed", replayed.text
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


async def test_what_was_learned_is_remembered_until_its_session_is_there(
    shop: Shop, provider: FakeApi
) -> None:
    notes = {"sessionId": "to-come"}
    provider.answer("GET", f"/v1/orders/{ORDER}", {"id": ORDER, "receipt": None, "notes": notes})
    money = {"sessionId": "x", "amount": 1000, "currency": "INR"}
    assert (await shop.api.told(_captured(money)))["outcome"] == "parked"
    asked = len(provider.received)
    await shop.api.open(sessionId="to-come", paymentMethod="razorpay")
    shop.pass_time(seconds=5)
    await shop.api.settle()
    assert len(provider.received) == asked
    assert (await shop.session("to-come"))["status"] == "completed"


async def test_a_silent_provider_holds_up_the_answer_for_two_seconds_at_most(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tenth of the time. It hangs for ever, so only our limit can end the question."""
    assert genuine(apply, "ASK_WITHIN_S") == 2
    monkeypatch.setattr(apply, "ASK_WITHIN_S", 0.2)
    for limit in ("CALL_SECONDS", "OPEN_SECONDS"):
        monkeypatch.setattr(adapter, limit, 600.0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with open_shop(make_settings(RAZORPAY_API_BASE=base), database, clock) as shop:
        session = await _link(shop)
        async with asyncio.timeout(IN_TIME):
            assert (await shop.api.told(_captured(session)))["outcome"] == "parked"
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("ref", "outcome", "status"),
    [("cs_test_own", "processed", "completed"), ("cs_test_foreign", "review", "pending")],
)
async def test_stripe_is_asked_in_which_checkout_an_intent_was_paid(
    shop: Shop, provider: FakeApi, ref: str, outcome: str, status: str
) -> None:
    session = await shop.api.open(providerSessionId="cs_test_own")
    found = {"id": ref, "object": "checkout.session", "metadata": {}}
    provider.answer("GET", SESSIONS, {"object": "list", "data": [found], "url": SESSIONS})
    paid = shop.stripe("payment_intent.succeeded", stripe_intent(session, id="pi_1"))
    assert (await shop.api.told(paid))["outcome"] == outcome
    stored = await shop.session(session["sessionId"])
    assert stored["status"] == status
    assert (stored["review"] or {}).get("reason") in {None, "foreign_checkout"}


async def test_an_intent_that_carries_its_attempt_proves_its_checkout(
    shop: Shop, provider: FakeApi
) -> None:
    opened = {"id": "cs_test_own", "url": "https://x.example", "amount_total": 1000}
    opened |= {"object": "checkout.session", "currency": "inr"}
    provider.answer("POST", SESSIONS, opened)
    body = {"userId": "u", "eventId": "e", "amount": 1000, "currency": "INR", "sessionId": "abc"}
    body |= {"paymentMethod": "stripe"}
    answer = await shop.api.call("POST", "/api/payments/create-checkout", json=body)
    assert answer.status_code == 201, answer.text
    sent = {
        name: provider.last().form()[f"payment_intent_data[metadata][{name}]"]
        for name in ("sessionId", "attemptId", "merchantId")
    }
    paid = shop.stripe("payment_intent.succeeded", stripe_intent(body, id="pi_1", metadata=sent))
    asked = len(provider.received)
    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert len(provider.received) == asked
    assert (await shop.session("abc"))["status"] == "completed"


async def _replayed_in_silence(shop: Shop, provider: FakeApi) -> tuple[int, list[str]]:
    """Replay a review while its provider is silent; return the answer, and what the list shows."""
    session = await shop.api.open(providerSessionId="cs_test_own")
    found = {"id": "cs_test_foreign", "object": "checkout.session", "metadata": {}}
    provider.answer("GET", SESSIONS, {"object": "list", "data": [found], "url": SESSIONS})
    paid = shop.stripe("payment_intent.succeeded", stripe_intent(session, id="pi_1"))
    assert (await shop.api.told(paid))["outcome"] == "review"
    [row] = await shop.events()
    provider.answers.clear()
    provider.answer("GET", SESSIONS, (500, {}))
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    queue = (await shop.admin("GET", "/reviews")).json()["reviews"]
    return replayed.status_code, [one["reason"] for one in queue]


async def test_a_review_stays_one_whose_provider_is_silent_when_it_is_replayed(
    shop: Shop, provider: FakeApi
) -> None:
    assert await _replayed_in_silence(shop, provider) == (409, ["foreign_checkout"])
    [event] = await shop.events()
    assert event["status"] == "review"
    assert (await shop.session(event["sessionId"]))["review"]["reason"] == "foreign_checkout"


async def test_control_were_it_to_wait_no_list_would_show_it(
    shop: Shop, provider: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_NEVER_WAITS_AGAIN", frozenset())
    assert await _replayed_in_silence(shop, provider) == (200, [])
