"""Requests a minute: counted apart, told in headers, open when Redis is away."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import structlog
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.storage.database import Database
from service.web.limits import counters
from service.web.limits.counters import MemoryCounter, counter
from service.web.limits.rate_limits import rate_limits
from tests.support.ports import held_port
from tests.support.redis import redis_at
from tests.web.app import AK, PK, SK, create_test_app, settings_for
from tests.web.conftest import client_of
from tests.web.test_problems import assert_problem


@asynccontextmanager
async def limited(
    database: Database, clock: ManualClock, **variables: object
) -> AsyncIterator[AsyncClient]:
    """A client of an application with limits, behind a proxy that is trusted."""
    settings = settings_for(trusted_proxies=("127.0.0.1",), **variables)
    async with client_of(create_test_app(settings, clock, database)) as http:
        yield http


async def statuses(http: AsyncClient, times: int, **headers: str) -> list[int]:
    """Call several times and return the statuses."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [(await http.get("/api/whoami", headers=named)).status_code for _ in range(times)]


async def test_a_key_has_its_limit_and_the_next_minute_a_new_one(
    database: Database, clock: ManualClock
) -> None:
    clock.advance(timedelta(seconds=20))
    async with limited(database, clock, rate_limit_per_key=3) as http:
        assert await statuses(http, 3, X_API_Key=SK) == [200] * 3
        refused = await http.get("/api/whoami", headers={"X-API-Key": SK})
        assert_problem(refused, 429, "rate_limited")
        assert refused.headers["retry-after"] == "40"
        assert refused.headers["ratelimit-limit"] == "3"
        assert refused.headers["ratelimit-remaining"] == "0"
        assert refused.headers["ratelimit-reset"] == "40"
        assert refused.headers["x-request-id"]
        assert await statuses(http, 1, X_API_Key=AK) == [200]
        assert await statuses(http, 5) == [200] * 5  # anonymous: no key to count
        clock.advance(timedelta(seconds=40))
        assert await statuses(http, 4, X_API_Key=SK) == [200] * 3 + [429]


async def test_calls_that_a_key_may_not_make_use_its_limit_up_too(
    database: Database, clock: ManualClock
) -> None:
    async with limited(database, clock, rate_limit_per_key=2) as http:
        asked = [await http.get("/api/orders/ps_1", headers={"X-API-Key": PK}) for _ in range(3)]
        assert [answer.status_code for answer in asked] == [403, 403, 429]


async def test_a_publishable_key_is_limited_for_each_address(
    database: Database, clock: ManualClock
) -> None:
    async with limited(database, clock, rate_limit_per_key=1) as http:
        for address in ("203.0.113.1", "203.0.113.2"):
            found = await statuses(http, 2, X_API_Key=PK, X_Forwarded_For=address)
            assert found == [200, 429]
        # A secret key is one caller, wherever it calls from.
        assert await statuses(http, 1, X_API_Key=SK, X_Forwarded_For="203.0.113.1") == [200]
        assert await statuses(http, 1, X_API_Key=SK, X_Forwarded_For="203.0.113.2") == [429]


async def test_an_address_is_limited_before_its_key_is_looked_at(
    database: Database, clock: ManualClock
) -> None:
    async with limited(database, clock, rate_limit_per_address=2) as http:
        assert await statuses(http, 3, X_API_Key="sk_wrong_" * 3) == [401, 401, 429]
        assert await statuses(http, 1, X_Forwarded_For="203.0.113.9") == [200]


async def test_the_two_limits_share_no_bucket(database: Database, clock: ManualClock) -> None:
    async with limited(database, clock, rate_limit_per_key=2, rate_limit_per_address=4) as http:
        assert await statuses(http, 3, X_API_Key=SK) == [200, 200, 429]
        answer = await http.get("/api/whoami", headers={"X-API-Key": AK})
        assert answer.status_code == 200
        assert answer.headers.get_list("ratelimit-limit") == ["2"]  # the narrower one is told
        assert await statuses(http, 1, X_API_Key=AK) == [429]  # the address's fifth


async def test_webhooks_and_health_are_never_limited(
    database: Database, clock: ManualClock
) -> None:
    async with limited(database, clock, rate_limit_per_key=1, rate_limit_per_address=1) as http:
        for _ in range(5):
            answer = await http.post("/api/hooks/stripe", content=b"{}")
            assert answer.status_code == 200
            assert "ratelimit-limit" not in answer.headers
            assert (await http.get("/health/live")).status_code == 200


def test_limits_that_are_off_are_not_built(clock: ManualClock) -> None:
    settings = settings_for(redis_url="redis://127.0.0.1:1")
    assert rate_limits(settings.web, clock) is None


async def test_memory_does_not_grow_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "MOST_COUNTED", 10)
    counts = MemoryCounter()
    assert [await counts.count(f"a{n}", 1) for n in range(12)] == [1] * 10 + [0, 0]
    assert await counts.count("a1", 1) == 2
    assert await counts.count("new", 2) == 1
    assert len(counts._counts) == 1


@pytest.mark.parametrize("url", ["http://cache", "memory://", "nonsense"])
def test_an_address_that_is_not_redis_is_refused(clock: ManualClock, url: str) -> None:
    with pytest.raises(Misconfigured, match="REDIS_URL"):
        counter(url, clock)


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which Redis is there, or away."""
    with held_port() as found:
        yield found


async def test_a_redis_that_fails_is_left_alone_for_some_seconds_and_nothing_is_told_of_the_limit(
    database: Database, clock: ManualClock
) -> None:
    asked = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        limits: dict[str, Any] = {"rate_limit_per_key": 2, "redis_url": f"redis://127.0.0.1:{port}"}
        async with limited(database, clock, **limits) as http:
            assert await statuses(http, 1, X_API_Key=SK) == [200]
            once = asked
            assert once > 0
            answer = await http.get("/api/whoami", headers={"X-API-Key": SK})
            assert "ratelimit-remaining" not in answer.headers
            assert (answer.status_code, asked) == (200, once)
            # Control: after that it is asked again.
            clock.advance(timedelta(seconds=6))
            assert await statuses(http, 1, X_API_Key=SK) == [200]
            assert asked > once


async def test_redis_counts_for_all_processes_and_passes_all_when_away(
    database: Database, clock: ManualClock, port: int
) -> None:
    limits: dict[str, Any] = {"rate_limit_per_key": 2, "redis_url": f"redis://127.0.0.1:{port}/0"}
    async with limited(database, clock, **limits) as one, limited(database, clock, **limits) as two:
        async with redis_at(port):
            assert await statuses(one, 1, X_API_Key=SK) == [200]
            assert await statuses(two, 2, X_API_Key=SK) == [200, 429]
        with structlog.testing.capture_logs() as logs:
            assert await statuses(one, 5, X_API_Key=SK) == [200] * 5
            clock.advance(timedelta(seconds=6))
            assert await statuses(one, 2, X_API_Key=SK) == [200] * 2
        warnings = [entry for entry in logs if entry["log_level"] == "warning"]
        assert len(warnings) == 1
        async with redis_at(port):
            clock.advance(timedelta(minutes=1))
            assert await statuses(one, 3, X_API_Key=SK) == [200, 200, 429]
