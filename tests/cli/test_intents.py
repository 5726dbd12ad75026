"""`tillgate intents` on a database, as an operator uses it."""

import asyncio
import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.cli.commands import intents
from service.cli.screen import growing_table
from service.intents.documents import PaymentIntent
from service.storage.database import Database
from service.wiring import Container
from tests.cli.test_commands import Shop as OnDisk
from tests.intents.leaving import leave
from tests.support.api import Api

_AGES = (0, 1, 10, 400)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[OnDisk]:
    """A shop with four leads, of which one was kept long enough."""
    made = OnDisk(tmp_path_factory.mktemp("leads"), mongo_uri)
    made.ok("indexes", "apply")
    now = datetime.now(UTC)
    made.database["payment_intents"].insert_many(
        PaymentIntent.new_row(
            {
                "_id": f"intent_{age}",
                "merchantId": "default",
                "planName": "=Premium",
                "amount": "10.50",
                "amountMinor": 1050,
                "currency": "USD",
                "sessionId": f"j-{age}",
                "createdAt": now - timedelta(days=age),
                "purgeAt": now + timedelta(days=365 - age),
            }
        )
        for age in _AGES
    )
    yield made
    made.close()


def test_figures_are_shown_as_tables_and_as_json(shop: OnDisk) -> None:
    shown = shop.ok("intents", "stats", "--days", "7")
    assert "leads\t2" in shown
    assert "asked for, not paid\t21.00 USD" in shown
    assert "=Premium\t2\t21.00 USD\t0" in shown
    told = json.loads(shop.ok("intents", "stats", "--days", "30", "--json"))
    assert told["basicStats"]["totalIntents"] == 3


def test_health_names_what_is_due(shop: OnDisk) -> None:
    told = json.loads(shop.ok("intents", "health", "--json"))
    assert (told["totalRecords"], told["due"], told["status"]) == (4, 1, "needs_cleanup")
    assert "status\tneeds_cleanup" in shop.ok("intents", "health")


def test_an_export_is_a_file_for_its_owner_alone(shop: OnDisk, tmp_path: Path) -> None:
    table = tmp_path / "leads.csv"
    table.touch(mode=0o644)  # as an export of before these were kept from others
    shop.ok("intents", "export", "--output", str(table))
    assert table.stat().st_mode & 0o777 == 0o600
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["id"] for row in rows] == ["intent_0", "intent_1", "intent_10"]
    assert {row["planName"] for row in rows} == {"'=Premium"}
    whole = json.loads(shop.ok("intents", "export", "--format", "json", "--days", "500"))
    assert whole["count"] == 4
    assert whole["metadata"]["merchantId"] == "default"


def test_a_clean_up_is_tried_first(shop: OnDisk) -> None:
    tried = shop.run("intents", "cleanup")
    assert "found\t1" in tried.stdout
    assert "--live" in tried.stderr
    assert shop.database["payment_intents"].count_documents({}) == 4
    refused = shop.run("intents", "cleanup", "--live", "--archive")
    assert refused.returncode == 1
    assert "INTENT_ARCHIVE_DIR" in refused.stderr
    done = json.loads(shop.ok("intents", "cleanup", "--live", "--json"))
    assert (done["deleted"], done["remaining"]) == (1, 0)
    [act] = shop.database["audit_log"].find({"action": "intents.cleaned"})
    assert act["actor"].startswith("admin:cli:")


async def test_who_watches_is_told_what_is_new(api: Api, database: Database) -> None:
    container: Container = api.container
    seen: list[dict[str, Any]] = []
    await leave(api)
    async with asyncio.timeout(None):
        async for counted in intents._counted("default", container.intents, 0):
            seen.append(counted)
            if len(seen) == 2:
                break
            await leave(api)
            await leave(api)
    assert [(one["new"], one["total"], one["today"]) for one in seen] == [(0, 1, 1), (2, 3, 3)]


def test_a_table_grows_by_a_line_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with growing_table(("a", "b")) as add:
        add([1, "x\x1b[31m"])
        add([2, None])
    assert capsys.readouterr().out == "1\tx\\u001b[31m\n2\t-\n"
