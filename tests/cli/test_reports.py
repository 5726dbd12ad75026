"""`tillgate reports` on a database, as an operator uses it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from service.payments.payments.documents import Payment
from tests.cli.test_commands import Shop
from tests.cli.test_figures import PAID


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[Shop]:
    """A shop that sold something in each of the last three months."""
    made = Shop(tmp_path_factory.mktemp("reports"), mongo_uri)
    made.ok("indexes", "apply")
    now = datetime.now(UTC)
    for months in range(1, 4):
        at = now - timedelta(days=31 * months)
        times = dict.fromkeys(("createdAt", "updatedAt", "statusAt", "firstAt"), at)
        row = Payment.new_row(
            PAID | times | {"providerPaymentId": f"pi_{months}", "unposted": True}
        )
        made.database["payments"].insert_one({k: v for k, v in row.items() if k != "_id"})
    made.ok("figures", "refresh")
    yield made
    made.close()


def test_months_are_closed_listed_shown_and_verified(shop: Shop) -> None:
    counted = json.loads(shop.ok("reports", "close", "--dry-run", "--json"))["run"]
    assert (counted["dryRun"], counted["closed"], counted["due"]) == (True, 0, 1)
    shop.ok("jobs", "run", "entries")
    closed = json.loads(shop.ok("reports", "close", "--json"))["run"]["closed"]
    assert closed >= 2
    listed = json.loads(shop.ok("reports", "list", "--json"))["reports"]
    assert len(listed) == closed
    shown = json.loads(shop.ok("reports", "month", listed[-1]["month"], "--json"))
    assert (shown["hash"], shown["report"]["closed"]) == (listed[-1]["hash"], True)
    lines = shop.ok("reports", "month", listed[-1]["month"]).split("\n")
    assert "Summary\t\ttotalRevenue\t5\tUSD" in lines
    week = json.loads(shop.ok("reports", "week", "--json"))["report"]
    assert len(week["dailyBreakdown"]) == 7
    verified = json.loads(shop.ok("reports", "verify", "--json"))
    assert verified == {"verified": {"count": closed}, "faults": []}
    row = shop.database["reports"].find_one({"month": listed[-1]["month"]})
    assert row is not None
    shop.database["reports"].update_one({"_id": row["_id"]}, {"$set": {"content": "{}"}})
    refused = shop.run("reports", "verify")
    assert refused.returncode == 1
    assert row["_id"] in refused.stdout
    assert "is not what was closed" in shop.run("reports", "month", row["month"]).stderr
    shop.database["reports"].replace_one({"_id": row["_id"]}, row)
    shop.ok("reports", "verify")


def test_what_is_no_month_or_week_is_told(shop: Shop) -> None:
    for words in (("month", "2026-13"), ("week", "2026-W47-1")):
        refused = shop.run("reports", *words)
        assert refused.returncode == 1
        assert f"{words[0]}" in refused.stderr
