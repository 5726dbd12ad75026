"""Payments that no provider's event moves are told as all others are: by hand, given up, lapsed."""

import ast
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.principal import Kind, Principal
from service.payments.payments.operations import telling
from service.storage.database import Database
from tests.merchants.asking import put
from tests.notifications.receivers import Receiver, receiving
from tests.notifications.telling import endpoint, fan_out, send
from tests.providers.http_fake import FakeApi, fake_api
from tests.support.api import SECRET
from tests.support.events import razorpay_payment
from tests.support.keys import issue_key
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

SERVICE = Path(__file__).parents[2] / "service"
IDS = {"id": "pay_1", "order_id": "order_1"}


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeApi]:
    """A provider that answers what it is told to, and else that it knows nothing."""
    async with fake_api() as fake:
        yield fake


@pytest_asyncio.fixture
async def shop(fake: FakeApi, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop whose provider is that one."""
    settings = make_settings(RAZORPAY_API_BASE=fake.base)
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def _held(shop: Shop) -> dict[str, Any]:
    body = {"userId": "u", "email": "u@shop.example", "plan": "gold", "amount": 1000}
    body |= {"currency": "INR", "provider": "razorpay", "providerSessionId": "order_1"}
    opened = await shop.api.call("POST", "/api/checkout-sessions", SECRET, json=body)
    session: dict[str, Any] = opened.json()["session"]
    held = shop.razorpay("payment.authorized", session, status="authorized", **IDS)
    assert (await shop.api.told(held))["received"]
    await shop.database["outbox"].delete_many({"topic": "provider.capture"})
    return session


async def _by_hand(shop: Shop, fake: FakeApi) -> str:
    session = await shop.api.open()
    body = {"sessionId": session["sessionId"], "status": "completed", "reason": "a transfer"}
    assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).is_success
    return str(session["sessionId"])


async def _real_money_follows(shop: Shop, fake: FakeApi) -> str:
    sid = await _by_hand(shop, fake)
    row = await shop.session(sid)
    await shop.api.told(shop.stripe_paid(row))
    same = await shop.admin("POST", f"/reviews/{sid}/same-money", json={"reason": "one transfer"})
    assert same.status_code == 200, same.text
    return sid


async def _silent_for_a_month(shop: Shop, fake: FakeApi) -> str:
    session = await _held(shop)
    shop.pass_time(days=2)
    await shop.clean_up()
    shop.pass_time(days=30)
    assert (await shop.clean_up())["abandoned"] == 1
    return str(session["sessionId"])


async def _rejected(shop: Shop, fake: FakeApi) -> str:
    session = await _held(shop)
    shop.pass_time(days=2)
    await shop.clean_up()
    path = f"/reviews/{session['sessionId']}/reject"
    assert (await shop.admin("POST", path, json={"reason": "the bank says no"})).is_success
    return str(session["sessionId"])


async def _not_under_way(shop: Shop, fake: FakeApi) -> str:
    session = await _held(shop)
    fake.answer("GET", "/v1/payments/pay_1", razorpay_payment(session, status="created", **IDS))
    shop.pass_time(days=2)
    await shop.clean_up()
    [payment] = await shop.payments()
    assert payment["failureCode"] == "not_under_way"
    return str(session["sessionId"])


Way = Callable[[Shop, FakeApi], Awaitable[str]]
WAYS: dict[Way, list[tuple[str, str]]] = {
    _by_hand: [("succeeded", "hand")],
    _real_money_follows: [("succeeded", "hand"), ("succeeded", "pi"), ("reversed", "hand")],
    _silent_for_a_month: [("authorized", "pay"), ("abandoned", "pay")],
    _rejected: [("authorized", "pay"), ("abandoned", "pay")],
    _not_under_way: [("authorized", "pay"), ("failed", "pay")],
}


async def _told(shop: Shop, receiver: Receiver) -> list[dict[str, Any]]:
    await fan_out(shop)
    await send(shop)
    assert set(receiver.times().values()) <= {1}
    return [json.loads(one.body) for one in receiver.got]


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_hears_payments_is_told_of_it_in_order(
    shop: Shop, fake: FakeApi, way: Way
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*", ordered=True)
        session_id = await way(shop, fake)
        told = await _told(shop, receiver)
    named = [one["data"]["providerPaymentId"] for one in told]
    stood = [one["data"]["status"] for one in told]
    ids = [one.replace(":", "_").partition("_")[0] for one in named]
    assert list(zip(stood, ids, strict=True)) == WAYS[way]
    assert [one["type"] for one in told] == [f"payment.{status}" for status in stood]
    assert {one["sessionId"] for one in told} == {session_id}
    assert {one["data"]["amount"] for one in told} == {1000}


@pytest.mark.parametrize("way", WAYS)
async def test_where_only_sessions_are_heard_no_message_of_a_payment_is_written(
    shop: Shop, fake: FakeApi, way: Way
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "session.*")
        await fan_out(shop)
        await way(shop, fake)
        rows = await shop.database["outbox"].find().to_list()
    assert "session.completed" in {row["topic"] for row in rows} or way not in {_by_hand}
    assert [row["topic"] for row in rows if row["topic"].startswith("payment.")] == []


async def test_control_where_nothing_is_told_nobody_hears_of_it(
    shop: Shop, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*told: Any) -> None:
        """Write nothing."""

    monkeypatch.setattr(telling.messages, "add_once", silent)
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*")
        await _by_hand(shop, fake)
        assert await _told(shop, receiver) == []


async def test_a_completion_by_hand_that_is_asked_for_twice_is_told_once(
    shop: Shop, fake: FakeApi
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*")
        sid = await _by_hand(shop, fake)
        body = {"sessionId": sid, "status": "completed", "reason": "a transfer"}
        assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).is_success
        assert len(await _told(shop, receiver)) == 1


async def test_a_payment_that_turns_out_to_be_another_merchants_is_told_to_that_one(
    shop: Shop,
) -> None:
    assert (await put(shop, "alpha")).status_code == 201
    key = (await issue_key(shop.clock, Kind.SECRET, merchant_id="alpha")).key
    by = Principal(Kind.ADMIN, "alpha", key_id="0123456789ab", name="till")
    async with receiving() as receiver:
        await endpoint(shop, receiver.url(), "payment.*", by=by)
        session = await shop.api.open(key, sessionId="of-alpha", paymentMethod="upi")
        paid = shop.razorpay("payment.captured", session, status="captured", **IDS)
        assert (await shop.api.told(paid))["outcome"] == "parked"
        assert await _told(shop, receiver) == []
        changed = {"provider": "razorpay", "account": "own", "checkoutIds": ["order_1"]}
        named = {"sessionId": "of-alpha"}
        await shop.database["sessions"].update_one(named, {"$set": changed})
        await shop.api.told(paid)
        told = await _told(shop, receiver)
    [payment] = await shop.payments()
    assert (payment["merchantId"], payment["sessionId"]) == ("alpha", "of-alpha")
    assert [(one["type"], one["sessionId"]) for one in told] == [("payment.succeeded", "of-alpha")]


def _writers(source: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each function that may change how a payment stands, and what it calls."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        names = {one.func.id for one in calls if isinstance(one.func, ast.Name)}
        if "record_payment" in names or _sets_a_status(function):
            yield function.name, names


def _sets_a_status(function: ast.AsyncFunctionDef) -> bool:
    """Return whether a function writes a status, and calls `change` of a repository of payments."""
    keys = [key for node in ast.walk(function) if isinstance(node, ast.Dict) for key in node.keys]
    sets = any(isinstance(key, ast.Constant) and key.value == "status" for key in keys)
    return sets and "PaymentStatus" in ast.unparse(function)


TELLS = frozenset({"tell_payment", "follow"})


def _silent_writers() -> set[str]:
    rooms = ("payments/payments/operations", "effects", "sessions", "reviews")
    sources = [path for room in rooms for path in (SERVICE / room).rglob("*.py")]
    found = {path.stem: _writers(path.read_text()) for path in sources}
    return {
        f"{stem}.{name}"
        for stem, writers in found.items()
        for name, calls in writers
        if not calls & TELLS
    }


def test_whoever_changes_how_a_payment_stands_tells_it() -> None:
    assert _silent_writers() == set()


def test_control_one_who_does_not_is_seen() -> None:
    silent = "async def f(tx):\n    await record_payment(tx, told, now)\n"
    silent += 'async def g(tx):\n    change({"status": PaymentStatus.REVERSED.value})'
    assert list(_writers(silent)) == [("f", {"record_payment"}), ("g", {"change"})]
