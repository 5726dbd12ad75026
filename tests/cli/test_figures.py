"""`tillgate figures` on a database, as an operator uses it."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from service.analytics.documents import TrackedEvent
from service.analytics.operations.caching import HOURLY, Cache, Question
from service.analytics.repository.shared_answers import answers_at
from service.analytics.repository.sources import SOURCES
from service.core.clock import LATEST, SystemClock
from service.core.peppers import read_pepper
from service.payments.attempts.documents import Attempt
from service.payments.payments.documents import Payment
from tests.cli.test_commands import Shop as OnDisk
from tests.conftest import NOON
from tests.support.ports import held_port
from tests.support.redis import redis_at
from tests.support.settings import VARIABLES

OF = {"merchantId": "default", "provider": "stripe", "account": "default", "amount": 5}
OF |= {"currency": "USD", "providerPaymentId": "pi_1", "userId": "ada"}
OF |= dict.fromkeys(("createdAt", "updatedAt"), NOON)
PAID = OF | {"status": "succeeded", "statusAt": NOON, "metadata": {}}
TRIED = OF | {"attemptId": "ch_1", "sessionId": "s-1", "status": "failed", "madeAt": NOON}
TRACKED = {"_id": "ev_1", "merchantId": "default", "type": "payment", "at": NOON, "purgeAt": LATEST}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, mongo_uri: str) -> Iterator[OnDisk]:
    """A shop that has sold nothing yet."""
    made = OnDisk(tmp_path_factory.mktemp("figures"), mongo_uri)
    made.ok("indexes", "apply")
    yield made
    made.close()


@pytest.mark.usefixtures("database")
async def test_answers_are_counted_and_dropped_also_where_processes_keep_them_together(
    shop: OnDisk,
) -> None:
    with held_port() as port:
        url = f"redis://127.0.0.1:{port}/0"
        shop.set(REDIS_URL=url)
        async with redis_at(port):
            kept = answers_at(url, [read_pepper(VARIABLES["PII_PEPPER"])], SystemClock())
            cache, computed = Cache(kept, SystemClock()), 0

            async def compute() -> bytes:
                nonlocal computed
                computed += 1
                return b"{}"

            question = Question(("default", "/figures"), HOURLY, compute)
            for _ in range(3):
                await cache.answer(question)
            shown = await asyncio.to_thread(shop.ok, "figures", "status", "--json")
            told = json.loads(shown)["counted"]
            assert (told["answersKept"], told["answersComputed"]) == (2, 1)
            assert computed == 1
            await asyncio.to_thread(shop.ok, "figures", "cache", "clear")
            await cache.answer(question)
            assert computed == 2
        # Without Redis answers are dropped all the same, and nothing is told of what was counted.
        await asyncio.to_thread(shop.ok, "figures", "cache", "clear")
        told = json.loads(await asyncio.to_thread(shop.ok, "figures", "status", "--json"))
        assert "answersKept" not in told["counted"]
        shop.set(REDIS_URL="")


def _new(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "_id"}


def test_each_aggregate_is_listed_with_its_lag_and_refreshed_by_itself(shop: OnDisk) -> None:
    shop.ok("figures", "refresh")
    told = json.loads(shop.ok("figures", "status", "--json"))
    assert [one["aggregate"] for one in told["aggregates"]] == [*SOURCES, "webhooks"]
    shop.database["payments"].insert_one(_new(Payment.new_row(PAID)))
    shop.database["payment_attempts"].insert_one(_new(Attempt.new_row(TRIED)))
    shop.ok("figures", "refresh", "payments")
    assert {one["kind"] for one in shop.database["figures_facts"].find()} == {"payment"}
    told = json.loads(shop.ok("figures", "status", "--json"))
    lags = {one["aggregate"]: one["lag"] for one in told["aggregates"]}
    assert lags["payments"] is not None
    assert lags["payment_attempts"] is None
    assert lags["webhooks"] is None
    shop.database["figures_events"].insert_one(TrackedEvent.new_row(TRACKED))
    shop.ok("figures", "refresh", "webhooks")
    assert shop.database["rollups"].find_one({"currency": ""}) is not None
    shop.ok("figures", "refresh", "rollups")
    shop.ok("figures", "refresh", "payment_attempts")
    assert {one["kind"] for one in shop.database["figures_facts"].find()} == {"payment", "attempt"}
    refused = shop.run("figures", "refresh", "paymnts")
    assert refused.returncode == 2
    assert "There is no 'paymnts': did you mean" in refused.stderr
    assert "'payments'" in refused.stderr


def test_status_tells_until_when_months_were_made(shop: OnDisk) -> None:
    long_ago = dict.fromkeys(
        ("createdAt", "updatedAt", "statusAt", "firstAt"), datetime(2024, 2, 10, tzinfo=UTC)
    )
    old = PAID | {"merchantId": "old", "providerPaymentId": "pi_old"} | long_ago
    shop.database["payments"].insert_one(_new(Payment.new_row(old)))
    said = shop.run("figures", "refresh").stderr
    assert "Read: 1 fact. Added up: 1 quarter-hour, " in said
    assert ", 1 month, 1 day of customers." in said
    told = json.loads(shop.ok("figures", "status", "--json"))
    until = {one["merchant"]: one["monthsMadeUntil"] for one in told["merchants"]}
    assert until["old"] == "2024-03-01T00:00:00Z"
    until = {one["merchant"]: one["customersMadeUntil"] for one in told["merchants"]}
    assert until["old"] is not None
    assert shop.database["rollup_customers"].find_one({"merchantId": "old"}) is not None
    assert told["counted"]["months"] == shop.database["rollup_months"].count_documents({}) >= 1
