"""Transactions: all or nothing, repeated on conflicts, given up after three seconds."""

import asyncio
from collections import Counter
from contextvars import ContextVar
from typing import Any

import pytest
from pymongo.errors import PyMongoError

from service.core.errors import Unavailable
from service.storage import answering
from service.storage.answering import Duplicate, answers_in_time, is_no_answer
from service.storage.database import Client, Database
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from tests.sessions.asking import checkout_body, payment_body
from tests.storage.failing import failing, stalling
from tests.support.api import ADMIN, JOBS, SECRET, Api
from tests.support.events import stripe_checkout, stripe_event
from tests.support.limits import genuine, hastily


async def test_concurrent_read_modify_writes_lose_nothing(database: Database) -> None:
    leases = database["leases"]
    await leases.insert_one({"_id": "counter", "n": 0})

    async def work(tx: Transaction) -> None:
        row = await leases.find_one({"_id": "counter"}, session=tx.session)
        assert row is not None
        await leases.update_one(
            {"_id": "counter"}, {"$set": {"n": row["n"] + 1}}, session=tx.session
        )

    await asyncio.gather(*(in_transaction(work) for _ in range(12)))
    assert await leases.find_one({"_id": "counter"}) == {"_id": "counter", "n": 12}


async def test_a_transaction_that_fails_writes_nothing(database: Database) -> None:
    await database["leases"].insert_one({"_id": "taken"})

    async def work(tx: Transaction) -> None:
        await database["outbox"].insert_one({"_id": "half"}, session=tx.session)
        await database["leases"].insert_one({"_id": "taken"}, session=tx.session)

    with pytest.raises(Duplicate):
        await in_transaction(work)
    assert await database["outbox"].count_documents({}) == 0


async def _reads_and_writes(database: Database, limit: float) -> None:
    async def work(tx: Transaction) -> None:
        await database["leases"].find_one({}, session=tx.session)
        await database["leases"].insert_one({}, session=tx.session)

    await in_transaction(work, limit)


@pytest.mark.parametrize("command", ["find", "insert", "commitTransaction"])
async def test_a_database_that_stalls_is_given_up_in_time(
    client: Client, database: Database, command: str
) -> None:
    """A stall ends, and what waits for its end succeeds: an error is what did not wait for it."""
    async with stalling(client, [command], for_ms=2000):
        with pytest.raises(Unavailable):
            await _reads_and_writes(database, 0.3)


async def test_control_a_stall_that_is_waited_for_is_no_error(
    client: Client, database: Database
) -> None:
    async with stalling(client, ["insert"], for_ms=300):
        await _reads_and_writes(database, 60)


def test_it_is_given_up_after_three_seconds() -> None:
    assert [genuine(one, "seconds") for one in (in_transaction, answers_in_time)] == [3.0, 3.0]


_ERRORS = [
    {"errorCode": 10107},
    {"errorCode": 112, "errorLabels": ["TransientTransactionError"]},
    {"closeConnection": True},
]


@pytest.mark.parametrize("how", _ERRORS)
async def test_an_error_that_is_no_answer_is_unavailable(
    client: Client, database: Database, how: dict[str, Any]
) -> None:
    async def work(tx: Transaction) -> None:
        await database["leases"].insert_one({}, session=tx.session)

    async with failing(client, ["insert"], **how):
        with pytest.raises(Unavailable):
            await in_transaction(work, 0.3)


@pytest.mark.parametrize("command", ["insert", "commitTransaction"])
async def test_one_lost_connection_is_not_noticed(
    client: Client, database: Database, command: str
) -> None:
    async def work(tx: Transaction) -> None:
        await database["leases"].insert_one({"_id": "once"}, session=tx.session)

    async with failing(client, [command], closeConnection=True, mode={"times": 1}):
        await in_transaction(work)
    assert await database["leases"].count_documents({"_id": "once"}) == 1


async def test_what_the_database_refuses_is_no_outage(client: Client, database: Database) -> None:
    async with failing(client, ["find"], errorCode=13):
        with pytest.raises(Exception, match="13") as caught:
            async with answers_in_time():
                await database["leases"].find_one({})
    assert not isinstance(caught.value, Unavailable)


_JSON: dict[str, Any] = {"sessionId": "s-1", "metadata": {"a": 1}}
_ROUTES: list[tuple[str, str, str, dict[str, Any] | None]] = [
    ("POST", "/api/payment-sessions", SECRET, payment_body()),
    ("GET", "/api/payment-sessions/s-1", SECRET, None),
    ("GET", "/api/payment-sessions?userId=u", SECRET, None),
    ("PATCH", "/api/payment-sessions", SECRET, _JSON),
    ("PATCH", "/api/payment-sessions", SECRET, {"sessionId": "s-1", "status": "canceled"}),
    ("GET", "/api/payment-sessions/s-1/timeline", ADMIN, None),
    ("POST", "/api/checkout-sessions", SECRET, checkout_body(amount=None)),
    ("GET", "/api/checkout-sessions?userId=u", SECRET, None),
    ("POST", "/api/payments/create-checkout", SECRET, checkout_body(userId="u2")),
    ("POST", "/api/payment/verify-checkout-session", SECRET, {"sessionId": "s-1"}),
    ("GET", "/api/admin/audit", ADMIN, None),
    ("GET", "/api/admin/prices", ADMIN, None),
    ("PUT", "/api/admin/prices/gold", ADMIN, {"currency": "USD", "amount": 1}),
    ("DELETE", "/api/admin/coupons/x", ADMIN, None),
    ("GET", "/api/admin/webhook-events", ADMIN, None),
    ("GET", "/api/admin/webhook-rejections", ADMIN, None),
    ("GET", "/api/admin/reviews", ADMIN, None),
    ("POST", "/api/admin/webhook-events/e-1/replay", ADMIN, None),
    ("POST", "/api/admin/reviews/e-1/reject", ADMIN, {"reason": "no"}),
    ("POST", "/api/jobs/events", JOBS, None),
]


async def test_every_route_tells_a_stalled_database_from_its_own_fault(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And waits for it once: who tries again after three seconds answers after six."""
    session = await api.open(sessionId="s-1")
    waited: Counter[str] = Counter()
    calling: ContextVar[str] = ContextVar("calling", default="what many share")

    def noted(error: PyMongoError) -> bool:
        waited[calling.get()] += 1
        return is_no_answer(error)

    monkeypatch.setattr(answering, "is_no_answer", noted)

    async def asked(method: str, path: str, key: str | None, **options: Any) -> None:
        calling.set(f"{method} {path} {options.get('json')}")
        answer = await api.call(method, path, key, **options)
        assert answer.status_code == 503, (method, path, answer.text)
        assert answer.json()["error"] == "unavailable"
        assert int(answer.headers["retry-after"]) >= 1

    paid = stripe_event(
        "checkout.session.completed",
        stripe_checkout(session),
        signed_at=int(api.container.clock.now().timestamp()),
    )
    webhook = asked("POST", paid.path, None, content=paid.body, headers=dict(paid.headers))
    calls = [asked(method, path, key, json=body) for method, path, key, body in _ROUTES]
    named = {f"{method} {path} {body}" for method, path, _, body in _ROUTES}
    with hastily(0.3):
        async with stalling(client, for_ms=3000):
            results = await asyncio.gather(webhook, *calls, return_exceptions=True)
    assert [result for result in results if result is not None] == []
    assert len(waited) > len(_ROUTES) / 2, waited
    assert {name: waited[name] for name in named if waited[name] > 1} == {}
    assert (await api.read("s-1"))["version"] == 1


async def test_the_same_call_works_once_the_database_does(api: Api, client: Client) -> None:
    headers = {"Idempotency-Key": "during the outage"}
    body = payment_body(sessionId=None)
    async with failing(client, ["insert"], closeConnection=True):
        with hastily():
            down = await api.call("POST", "/api/payment-sessions", json=body, headers=headers)
        assert down.status_code == 503
    up = await api.call("POST", "/api/payment-sessions", json=body, headers=headers)
    assert up.status_code == 201
