"""Probes: alive without a database, ready only with it and its indexes."""

from datetime import timedelta

import pytest
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.storage.database import Client, Database, connect
from service.storage.indexes import apply_indexes
from service.web.health import INDEXES_TRUSTED_FOR
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
    database: Database, clock: ManualClock
) -> None:
    nowhere = connect("mongodb://127.0.0.1:1/?replicaSet=none")
    app = create_test_app(settings_for(), clock, nowhere["tillgate"])
    async with client_of(app) as http:
        problem = assert_problem(await http.get("/health/ready"), 503, "not_ready")
        assert problem["detail"] == "The database does not answer."
        assert (await http.get("/health/live")).status_code == 200
    await nowhere.close()


async def test_a_stalled_database_is_told_within_about_a_second(
    http: AsyncClient, client: Client
) -> None:
    data = {
        "failCommands": ["ping"],
        "blockConnection": True,
        "blockTimeMS": 3_000,
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
    assert answer.elapsed < timedelta(seconds=2)


def test_without_a_pepper_nothing_is_built(clock: ManualClock) -> None:
    with pytest.raises(Misconfigured, match="PII_PEPPER"):
        create_test_app(settings_for(pii_pepper=None), clock, None)  # type: ignore[arg-type]
