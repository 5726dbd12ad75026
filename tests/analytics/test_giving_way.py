"""Who pays goes before figures: the job leaves a busy process to the hot routes for most of it."""

import asyncio
import math

import pytest

from service.analytics.operations import giving_way as giving
from service.analytics.operations import keeping, sweeping
from service.analytics.operations.giving_way import giving_way
from service.core import rush as rushing
from service.core.batches import Until
from service.core.rush import CROWD, Rush
from service.jobs.operations.run import run_job
from tests.analytics.test_now import asked, seeded
from tests.bookkeeping.books import CRON
from tests.notifications.test_pace import Requests
from tests.support.shop import Shop

_FOREVER = Until(math.inf)


class Noted:
    """A rush that is waited for without waiting, and notes for how long one would have."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.waited: list[float] = []

    async def over(self, within_s: float) -> None:
        """Note it."""
        self.waited.append(within_s)


async def _run(shop: Shop, monkeypatch: pytest.MonkeyPatch, *, much: bool = False) -> Noted:
    """Run the job in small parts."""
    noted = Noted()
    monkeypatch.setattr(sweeping, "AT_ONCE", 10)
    monkeypatch.setattr(keeping, "MANY_UNREAD", 0 if much else math.inf)
    monkeypatch.setattr(shop.api.container.figures.rush, "over", noted.over, raising=True)
    await run_job("figures", shop.api.container.job_table, CRON)
    return noted


async def test_after_each_part_others_go_before_for_longer_than_it_took(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seeded(40, 7, days=2)
    noted = await _run(shop, monkeypatch)
    parts = len(noted.waited)
    assert parts > 40 * 2 // 10  # a session and what was paid of it, and what is added up
    assert all(one > 0 for one in noted.waited)


async def test_where_answers_have_much_to_add_up_it_catches_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seeded(40, 7, days=2)
    await asked(shop, "dashboard")
    assert not (await _run(shop, monkeypatch, much=True)).waited
    # Control: what few wait for gives way.
    assert (await _run(shop, monkeypatch)).waited


@pytest.mark.parametrize(("together", "is_on"), [(CROWD, True), (CROWD - 1, False), (0, False)])
async def test_a_part_gives_way_while_requests_crowd(
    together: int, is_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "much_waits", lambda: False)
    looks = 0

    def carried() -> tuple[int, int]:
        nonlocal looks
        looks += 1
        return looks, looks * together

    behind = giving_way(_FOREVER, Rush(carried))
    monkeypatch.setattr(giving, "AS_LONG", 0)
    assert behind.give_way is not None
    await behind.give_way(1)
    assert looks == 2  # once when it began, once now: and no time is left
    monkeypatch.setattr(giving, "AS_LONG", math.inf)
    waiting = asyncio.ensure_future(behind.give_way(1))
    for _ in range(3):
        await asyncio.sleep(0)
    assert waiting.done() is not is_on
    waiting.cancel()


async def test_it_goes_on_as_soon_as_the_rush_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rushing, "CALM_AFTER_S", 0.0)
    counts = [(0, 0), (1, 8), (2, 16), (2, 16)]
    rush = Rush(lambda: counts.pop(0) if len(counts) > 1 else counts[0])
    async with asyncio.timeout(20):
        await rush.over(math.inf)
    assert not rush.is_on


async def test_a_part_that_ended_with_the_work_waits_for_nobody() -> None:
    noted = Noted()
    stopping = asyncio.Event()

    async def give_way(took: float) -> None:
        noted.waited.append(took)

    until = Until(math.inf, stopping, give_way=give_way)
    async with until.part():
        pass
    assert len(noted.waited) == 1
    stopping.set()
    async with until.part():
        pass
    assert len(noted.waited) == 1
    assert Rush(Requests(CROWD)).look()
