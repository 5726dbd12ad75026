"""PhonePe's v2 webhook is a hint: nothing completes until the status API tells the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio
from msgspec import structs

from service.core.clock import ManualClock
from service.inbox.operations import receive
from service.inbox.operations.replay import retry_waiting
from service.providers.phonepe import adapter
from service.storage.database import Database
from tests.conftest import NOON
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.support.events import Delivery
from tests.support.limits import genuine
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tests.support.shop import Shop, completions, open_shop

AT = int(NOON.timestamp() * 1000)
TOKEN = "/v1/oauth/token"
LOGIN = sha256(b"tillgate:phonepe-password").hexdigest()


@pytest_asyncio.fixture
async def phonepe() -> AsyncIterator[FakeApi]:
    """PhonePe's API, which knows no order yet."""
    async with fake_api() as fake:
        fake.answer("POST", TOKEN, {"access_token": "t", "expires_at": 4_000_000_000})
        yield fake


@pytest_asyncio.fixture
async def shop(phonepe: FakeApi, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that talks to it."""
    settings = make_settings(PHONEPE_API_BASE=phonepe.base, PHONEPE_AUTH_BASE=phonepe.base)
    async with open_shop(settings, database, clock) as opened:
        yield opened


def _order(session: dict[str, Any], state: str, **fields: Any) -> Json:
    attempts = (
        []
        if state == "PENDING"
        else [{"transactionId": "OM1", "paymentMode": "UPI_QR", "timestamp": AT, "state": state}]
    )
    return {
        "orderId": f"OMO{session['sessionId']}",
        "state": state,
        "amount": session["amount"],
        "metaInfo": {"udf1": session["sessionId"], "udf2": "default"},
        "paymentDetails": attempts,
    } | fields


def _hint(session: dict[str, Any], state: str = "COMPLETED", **fields: Any) -> Delivery:
    """A webhook whose constant header anybody who saw one can send again."""
    payload = _order(session, state) | {
        "merchantId": "MERCHANTUAT",
        "merchantOrderId": session["sessionId"],
    }
    event = f"checkout.order.{state.lower()}"
    body = json.dumps({"event": event, "payload": payload | fields}).encode()
    return Delivery("phonepe", body, {"authorization": LOGIN})


def _status(session: dict[str, Any]) -> str:
    return f"/checkout/v2/order/{session['sessionId']}/status"


async def _open(shop: Shop) -> dict[str, Any]:
    return await shop.api.open(paymentMethod="phonepe")


async def test_a_hint_completes_once_the_status_api_tells_the_same(
    shop: Shop, phonepe: FakeApi
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
    assert (await shop.api.told(_hint(session)))["outcome"] == "processed"
    assert (await shop.api.told(_hint(session)))["duplicate"] is True
    assert completions(await shop.session(session["sessionId"])) == 1
    assert phonepe.calls().count(("GET", _status(session))) == 1  # not for the duplicate


def _believe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the guard out: a hint is what it says."""

    async def believed(hint: Any, *_: object) -> Any:
        return structs.replace(hint, confirmed=True)

    monkeypatch.setattr(receive, "_confirm", believed)


async def test_a_forged_hint_completes_nothing(shop: Shop, phonepe: FakeApi) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "PENDING"))
    assert (await shop.api.told(_hint(session)))["outcome"] == "parked"
    assert (await shop.session(session["sessionId"]))["status"] == "pending"
    assert await shop.payments() == []
    [row] = await shop.events()
    assert (row["status"], row["reason"]) == ("parked", "the provider has not confirmed it")


async def test_control_without_the_question_a_forged_hint_completes(
    shop: Shop, phonepe: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    _believe(monkeypatch)
    session = await _open(shop)
    await shop.api.told(_hint(session))
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


@pytest.mark.parametrize("forged", [{"amount": 1000}, {"metaInfo": {"udf1": "another"}}])
async def test_only_what_the_status_api_tells_counts(
    shop: Shop, phonepe: FakeApi, forged: dict[str, Any]
) -> None:
    another = await shop.api.open(sessionId="another", paymentMethod="phonepe")
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED", amount=1))
    assert (await shop.api.told(_hint(session, **forged)))["outcome"] == "review"
    assert (await shop.session(session["sessionId"]))["review"]["reason"] == "amount_mismatch"
    assert (await shop.session(another["sessionId"]))["status"] == "pending"
    [payment] = await shop.payments()
    assert payment["amount"] == 1


async def test_a_hint_of_a_failure_does_not_hide_that_it_was_paid(
    shop: Shop, phonepe: FakeApi
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
    assert (await shop.api.told(_hint(session, "FAILED")))["outcome"] == "parked"
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


@pytest.mark.parametrize("failure", [(500, b""), (200, b"not json"), (404, b"{}"), (401, b"{}")])
async def test_a_status_api_that_fails_parks_the_hint_and_a_retry_completes(
    shop: Shop, phonepe: FakeApi, failure: tuple[int, bytes]
) -> None:
    session = await _open(shop)
    times = 2 if failure[0] == 401 else 1  # a refused token is fetched anew once
    phonepe.answer("GET", _status(session), *[failure] * times, _order(session, "COMPLETED"))
    assert (await shop.api.told(_hint(session)))["outcome"] == "parked"
    assert (await shop.session(session["sessionId"]))["status"] == "pending"

    shop.pass_time(seconds=5)
    assert await retry_waiting(shop.api.container.inbox) == 1
    assert completions(await shop.session(session["sessionId"])) == 1
    [row] = await shop.events()
    assert (row["status"], row["reason"]) == ("processed", None)


async def test_a_status_api_that_is_slow_or_gone_parks_the_hint_in_time(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tenth of the time. It hangs for ever, so only our limit can end the question."""
    assert genuine(receive, "CONFIRM_WITHIN_S") == 2
    monkeypatch.setattr(receive, "CONFIRM_WITHIN_S", 0.2)
    monkeypatch.setattr(adapter, "CALL_SECONDS", 600.0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    settings = make_settings(PHONEPE_API_BASE=base, PHONEPE_AUTH_BASE=base)
    async with open_shop(settings, database, clock) as shop:
        session = await _open(shop)
        async with asyncio.timeout(IN_TIME):
            assert (await shop.api.told(_hint(session)))["outcome"] == "parked"
        server.close()
        await server.wait_closed()
        shop.pass_time(seconds=5)
        await retry_waiting(shop.api.container.inbox)
        [row] = await shop.events()
        assert (row["status"], row["attempts"]) == ("parked", 2)


async def test_a_hint_and_a_question_end_in_equal_documents_in_any_order(
    shop: Shop, phonepe: FakeApi
) -> None:
    outcomes = set()
    for hint_first in (True, False):
        session = await _open(shop)
        sid = session["sessionId"]
        await shop.database["sessions"].update_one(
            {"sessionId": sid},
            {
                "$push": {
                    "checkouts": {"ref": sid, "n": 1, "openedAt": shop.clock.now()},
                    "checkoutIds": sid,
                }
            },
        )
        phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
        if hint_first:
            await shop.api.told(_hint(session))
        path = "/api/payment/verify-checkout-session"
        verified = await shop.api.call("POST", path, json={"sessionId": sid})
        assert verified.json()["paid"] is True, verified.text
        await shop.api.told(_hint(session))
        outcomes.add(await shop.outcome(sid))
        assert completions(await shop.session(sid)) == 1
    assert len(outcomes) == 1
