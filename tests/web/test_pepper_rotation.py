"""PII_PEPPER is a list while it is rotated: the first makes, all of them check."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient, Response
from msgspec.structs import replace

from service.app import create_app
from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.core.peppers import read_pepper
from service.providers.registry import close_providers
from service.sessions.documents import Session
from service.settings import load_settings
from service.storage.database import Database
from service.web.idempotency import middleware
from service.wiring import build_container
from tests.support.api import Api
from tests.support.settings import PUBLISHABLE, make_settings

OLD = "5e0a7c93b1f8462d8e31a7f09c5b2d64"
NEW = "2026b:c48f1b0e97d25a363f7ae8d1405c9b72"
KEY = {"Idempotency-Key": "0123456789abcdef-one-call"}
BODY = {
    "userId": "user_123",
    "eventId": "event_456",
    "amount": 1000,
    "currency": "INR",
    "quantity": 1,
    "paymentMethod": "upi",
}


@asynccontextmanager
async def under(database: Database, clock: ManualClock, *peppers: str) -> AsyncIterator[Api]:
    """The application under some peppers."""
    settings = make_settings(PII_PEPPER=",".join(peppers))
    app = create_app(settings, database, clock=clock, loop=False)
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield Api(http, app.state.container)
    await close_providers(app.state.container.providers)


async def create(api: Api) -> Response:
    """Create a session by the same call each time."""
    return await api.call("POST", "/api/payment-sessions", json=BODY, headers=KEY)


async def test_what_was_made_under_the_old_one_goes_on_under_the_list(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, OLD) as api:
        first = await create(api)
    async with under(database, clock, NEW, OLD) as api:
        again = await create(api)
        secret = first.json()["clientSecret"]
        sid = first.json()["session"]["sessionId"]
        read = await api.call(
            "GET", f"/api/payment-sessions/{sid}", PUBLISHABLE, headers={"X-Client-Secret": secret}
        )
        known = await api.call("POST", "/api/payment-sessions", json=BODY | {"sessionId": sid})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert await database.sessions.count_documents({}) == 1
    assert read.status_code == 200, read.text
    assert known.status_code in {200, 409}
    (row,) = [row async for row in database.idempotency_keys.find()]
    assert row["_id"].startswith(f"{read_pepper(OLD).id}.")
    assert row["payloadHash"].startswith(f"{read_pepper(OLD).id}.")


async def test_the_control_without_the_old_one_the_same_call_is_made_twice(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, OLD) as api:
        first = await create(api)
        stored = await Session.find_one({"sessionId": first.json()["session"]["sessionId"]})
        assert stored is not None
        known = api.container.rules.known_client_secret(stored)
    async with under(database, clock, NEW) as api:
        again = await create(api)
        assert api.container.rules.known_client_secret(stored) is None
        rules = replace(api.container.rules, older_peppers=(OLD,))
        assert rules.known_client_secret(stored) == known == first.json()["clientSecret"]
    assert "idempotent-replayed" not in again.headers
    assert await database.sessions.count_documents({}) == 2
    ids = sorted([row["_id"].partition(".")[0] async for row in database.idempotency_keys.find()])
    assert ids == sorted([read_pepper(OLD).id, "2026b"])


async def test_a_crashed_call_of_the_old_one_is_taken_over_with_its_seed(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: Any) -> None:
        """Neither the answer nor the end of the run is written: the process is gone."""

    monkeypatch.setattr(middleware, "_keep", nothing)
    async with under(database, clock, OLD) as api:
        first = await create(api)
    monkeypatch.undo()
    async with under(database, clock, NEW, OLD) as api:
        assert (await create(api)).status_code == 409
        clock.advance(middleware.repository.LOCKED_FOR)
        again = await create(api)
    assert again.json()["session"]["sessionId"] == first.json()["session"]["sessionId"]
    assert await database.sessions.count_documents({}) == 1
    assert await database.idempotency_keys.count_documents({}) == 1


async def test_two_servers_whose_lists_begin_differently_never_both_run_one_call(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, NEW, OLD) as one, under(database, clock, OLD, NEW) as other:
        for _ in range(6):
            await database.sessions.delete_many({})
            await database.idempotency_keys.delete_many({})
            answers = await asyncio.gather(*(create(api) for api in (one, other, one, other)))
            assert {answer.status_code for answer in answers} <= {201, 409}
            assert await database.sessions.count_documents({}) <= 1
            settled = await create(one)
            assert settled.status_code == 201, settled.text
            assert await database.sessions.count_documents({}) == 1


def test_an_entry_has_a_name_or_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (read_pepper(NEW).id, read_pepper(NEW).secret) == ("2026b", NEW.partition(":")[2])
    unnamed = read_pepper(OLD)
    assert (len(unnamed.id), unnamed.secret) == (4, OLD)
    assert unnamed.id not in OLD
    monkeypatch.setenv("PII_PEPPER", f"{NEW}, {OLD}")
    access = load_settings((tmp_path / ".env",)).access
    assert access.pii_pepper == NEW.partition(":")[2]
    assert [pepper.secret for pepper in access.peppers] == [NEW.partition(":")[2], OLD]
    for wrong in (f"{NEW},2026b:{OLD}", f"{NEW},2026a:short", f"{OLD},{OLD}"):
        monkeypatch.setenv("PII_PEPPER", wrong)
        with pytest.raises(Misconfigured, match="PII_PEPPER"):
            load_settings((tmp_path / ".env",))


async def test_without_a_pepper_a_command_is_told_so(
    database: Database, clock: ManualClock
) -> None:
    """In the control there is one."""
    await close_providers(build_container(make_settings(), clock, database).providers)
    with pytest.raises(Misconfigured, match="PII_PEPPER is not set"):
        build_container(make_settings(PII_PEPPER=""), clock, database)
