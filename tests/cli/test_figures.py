"""`tillgate figures` on a database, as an operator uses it."""

import asyncio
import json
from collections.abc import Iterator

import pytest

from service.analytics.operations.caching import HOURLY, Cache, Question
from service.analytics.repository.shared_answers import answers_at
from service.core.clock import SystemClock
from service.core.peppers import read_pepper
from tests.cli.test_commands import Shop as OnDisk
from tests.support.ports import held_port
from tests.support.redis import redis_at
from tests.support.settings import VARIABLES


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
