"""What an older version opened is paid, told again and gone on with after the migration."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.settings import Settings
from service.storage.database import Database, Row
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY
from tests.sessions.asking import CHECKOUTS, PAYMENTS, token_of
from tests.support.api import PUBLISHABLE, SECRET
from tests.support.events import Delivery, stripe_checkout, stripe_intent
from tests.support.settings import RAZORPAY_SECRET
from tests.support.shop import Shop, open_shop


@pytest_asyncio.fixture
async def shop(settings: Settings, old: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop on the older version's database, half an hour after it was made; not migrated yet."""
    async with open_shop(settings, old, clock) as opened:
        opened.pass_time(minutes=31, seconds=30)
        yield opened


def paid(session: Row, shop: Shop, n: int = -1) -> Delivery:
    """Make what Stripe posts when a checkout of a session was paid, one of before the migration."""
    checkout = session["checkouts"][n]
    sent = session["sessionId"] if n == 0 else f"{session['sessionId']}-{checkout['n']}"
    found = stripe_checkout(session, id=checkout["ref"], client_reference_id=sent)
    found["metadata"] = {
        "checkoutSessionId": session["sessionId"],
        "sessionId": session["sessionId"],
    }
    return shop.stripe("checkout.session.completed", found)


def captured(shop: Shop, session: Row, order_id: str, **fields: Any) -> Delivery:
    """Make what Razorpay posts when a payment for an order was captured."""
    return shop.razorpay("payment.captured", session, order_id=order_id, **fields)


def razorpay_copy(body: bytes) -> Delivery:
    """Make another delivery of a body, under a name that was never heard."""
    signature = hmac.new(RAZORPAY_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"x-razorpay-signature": signature, "x-razorpay-event-id": "evNeverHeard"}
    return Delivery("razorpay", body, headers)


@pytest.mark.parametrize("session_id", ["pk-open", "abc", "abc-2"])
async def test_what_was_opened_at_stripe_is_completed(
    shop: Shop, old: Database, session_id: str
) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    session = await shop.session(session_id)
    for n in {0, len(session["checkouts"]) - 1}:
        assert (await shop.receive(paid(session, shop, n))).session_id == session_id
    after = await shop.session(session_id)
    assert after["status"] == "completed"
    assert (await shop.session({"abc": "abc-2"}.get(session_id, "abc")))["status"] == "pending"


async def test_without_the_migration_nothing_of_it_is_found(shop: Shop, old: Database) -> None:
    """The control: checkouts are looked up by ids that the older version did not keep."""
    session = await shop.session("rzp-open")
    delivery = captured(shop, session, session["checkouts"][0]["ref"], notes=[])
    assert (await shop.receive(delivery)).session_id is None
    await migrate(old, DOCUMENTS, shop.clock, BY)
    await shop.api.settle()
    shop.pass_time(seconds=5)
    await shop.api.settle()
    assert (await shop.session("rzp-open"))["status"] == "completed"


async def test_what_was_under_way_ends(shop: Shop, old: Database) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    waits, held = await shop.session("waits"), await shop.session("held")
    await shop.receive(shop.stripe("payment_intent.succeeded", stripe_intent(waits)))
    after = await shop.session("waits")
    assert (after["status"], after["providerPaymentId"]) == ("completed", "pi_waits")
    # Only a browser had named the session to this order: Razorpay is asked, and is silent here.
    receipt = await shop.receive(captured(shop, held, "order_held"))
    assert receipt.outcome == "parked"
    (payment,) = await shop.payments(providerPaymentId="pay_held")
    assert payment["status"] == "succeeded"


async def test_a_copy_of_an_event_under_any_header_is_a_duplicate(
    shop: Shop, old: Database
) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    before = await shop.events()
    for row in before:
        if row["provider"] == "razorpay" and row["status"] != "parked":
            receipt = await shop.receive(razorpay_copy(row["payload"]))
            assert receipt.duplicate
    assert await shop.events() == before


async def test_what_was_parked_finds_its_session(shop: Shop, old: Database) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    await shop.api.open(
        sessionId="later", paymentMethod="razorpay", providerSessionId="order_later"
    )
    await shop.api.settle()
    assert (await shop.session("later"))["status"] == "completed"


async def test_nobody_gets_what_a_browser_had_opened_for_them(shop: Shop, old: Database) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    hostile = await old["sessions"].find_one({"plan": "gold", "email": "mallory@example.com"})
    assert hostile is not None
    body = {"userId": "ada", "email": "ada@example.com", "plan": "gold", "provider": "stripe"}
    for key in (token_of("ada", shop.clock), SECRET):
        opened = await shop.api.call("POST", CHECKOUTS, key, json=body | {"amount": 5000})
        answer = opened.json()
        if opened.status_code in {200, 201}:
            assert answer["session"]["sessionId"] != hostile["sessionId"]
    read = f"{PAYMENTS}/{hostile['sessionId']}"
    assert (await shop.api.call("GET", read, token_of("ada", shop.clock))).status_code == 404
    assert (await shop.api.call("GET", read, PUBLISHABLE)).status_code == 404
    listed = await shop.api.call("GET", PAYMENTS, token_of("ada", shop.clock))
    assert hostile["sessionId"] not in {one["sessionId"] for one in listed.json()["sessions"]}


async def test_the_token_goes_on_with_what_it_had_opened(shop: Shop, old: Database) -> None:
    await migrate(old, DOCUMENTS, shop.clock, BY)
    body = {"userId": "bob", "email": "bob@example.com", "plan": "gold", "provider": "stripe"}
    answer = await shop.api.call("POST", CHECKOUTS, token_of("bob", shop.clock), json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["session"]["sessionId"] == "token-open"
