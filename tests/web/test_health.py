"""Probes: alive without a database, ready only with it and its indexes."""

import asyncio
from datetime import timedelta

import pytest
from httpx import AsyncClient
from litestar import Litestar

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.storage.database import Client, Database, Row, connect
from service.storage.indexes import apply_indexes
from service.web import health
from service.web.edge import put_edge_around
from service.web.health import INDEXES_TRUSTED_FOR, Readiness
from service.web.layer import web_layer
from tests.storage.failing import failing
from tests.support.limits import genuine
from tests.support.patience import IN_TIME
from tests.web.app import DOCUMENTS, create_test_app, settings_for
from tests.web.conftest import client_of
from tests.web.test_problems import assert_problem


async def test_ready_with_database_and_indexes(http: AsyncClient) -> None:
    for method in ("GET", "HEAD"):
        for path in ("/health/live", "/health/ready"):
            assert (await http.request(method, path)).status_code == 200
    assert (await http.get("/health/ready")).json()["status"] == "ready"


async def test_a_missing_index_is_named(
    http: AsyncClient, database: Database, clock: ManualClock
) -> None:
    await http.get("/health/ready")
    await database["idempotency_keys"].drop_index("expires_at")
    try:
        assert (await http.get("/health/ready")).status_code == 200  # asked a moment ago
        clock.advance(INDEXES_TRUSTED_FOR + timedelta(seconds=1))
        problem = assert_problem(await http.get("/health/ready"), 503, "not_ready")
        assert "idempotency_keys.expires_at" in problem["detail"]
        assert (await http.head("/health/ready")).status_code == 503
    finally:
        await apply_indexes(database, DOCUMENTS)
    assert (await http.get("/health/ready")).status_code == 200  # noticed at once


async def test_a_silent_database_is_not_ready_and_still_alive(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PING_WITHIN_S", 0.2)
    nowhere = connect("mongodb://127.0.0.1:1/?replicaSet=none")
    app = create_test_app(settings_for(), clock, nowhere["tillgate"])
    async with client_of(app) as http:
        problem = assert_problem(await http.get("/health/ready"), 503, "not_ready")
        assert problem["detail"] == "The database does not answer."
        assert (await http.get("/health/live")).status_code == 200
    await nowhere.close()


async def test_a_stalled_database_is_told_within_about_a_second(
    http: AsyncClient, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a fifth of the time. What is waited for to its end would be an answer, and so ready."""
    assert genuine(health, "PING_WITHIN_S") == 1
    monkeypatch.setattr(health, "PING_WITHIN_S", 0.2)
    data = {
        "failCommands": ["ping"],
        "blockConnection": True,
        "blockTimeMS": 2_000,
        "appName": "tillgate",
    }
    await client.admin.command(
        {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data}
    )
    try:
        answer = await http.get("/health/ready")
    finally:
        await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
    assert_problem(answer, 503, "not_ready")


async def test_who_asks_at_a_time_waits_for_one_look_that_nobody_cancels(
    http: AsyncClient, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PING_WITHIN_S", 0.3)
    async with failing(client, ["ping"], blockConnection=True, blockTimeMS=2_000):
        began = {"appName": "tillgate", "command.ping": 1}
        asking = [asyncio.create_task(http.get("/health/ready")) for _ in range(8)]
        async with asyncio.timeout(IN_TIME):
            while not await _under_way(client, began):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await _under_way(client, began) == 1
        asking[0].cancel()
        await asyncio.wait(asking)
        assert [task.result().status_code for task in asking[1:]] == [503] * 7
    assert (await http.get("/health/ready")).status_code == 200


@pytest.mark.parametrize("limit_s", [60.0, 0.2], ids=["a time of its own", "control, the ping's"])
async def test_indexes_that_take_long_to_look_at_are_looked_at_to_the_end(
    http: AsyncClient, client: Client, monkeypatch: pytest.MonkeyPatch, limit_s: float
) -> None:
    """Starved of processors, its commands took more than a second, and it was never ready again."""
    assert health.LAYOUT_WITHIN_S == 10
    monkeypatch.setattr(health, "PING_WITHIN_S", 0.2)
    monkeypatch.setattr(health, "LAYOUT_WITHIN_S", limit_s)
    async with failing(client, ["listIndexes"], blockConnection=True, blockTimeMS=100):
        answers = [(await http.get("/health/ready")).status_code]
        async with asyncio.timeout(IN_TIME):
            while answers[-1] == 503 and len(answers) < 40:
                answers.append((await http.get("/health/ready")).status_code)
    assert answers[0] == 503
    assert answers[-1] == (200 if limit_s > 1 else 503)


async def _under_way(client: Client, wanted: Row) -> int:
    """Count what is under way in the database."""
    found = await client.admin.command({"currentOp": 1, "$all": True, **wanted})
    return len(found["inprog"])


@pytest.mark.parametrize(("stuck", "status"), [(False, 200), (True, 503)])
async def test_a_process_with_a_stuck_driver_is_not_alive(
    database: Database, clock: ManualClock, stuck: bool, status: int
) -> None:
    readiness = Readiness(database, DOCUMENTS, clock)
    plugins = web_layer(settings_for(), clock, readiness, lambda: stuck)
    app = put_edge_around(Litestar(plugins=plugins), settings_for())
    async with client_of(app) as probe:
        for method in ("GET", "HEAD"):
            assert (await probe.request(method, "/health/live")).status_code == status


def test_without_a_pepper_nothing_is_built(clock: ManualClock) -> None:
    with pytest.raises(Misconfigured, match="PII_PEPPER"):
        create_test_app(settings_for(pii_peppers=()), clock, None)  # type: ignore[arg-type]
