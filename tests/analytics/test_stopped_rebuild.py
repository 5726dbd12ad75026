"""A rebuild that is stopped anywhere and begun again makes all of it anew."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from service.analytics.documents import Rollup
from service.analytics.operations import rebuilding, sweeping
from service.analytics.repository import rebuilds
from service.analytics.repository.facts import read_again
from service.core.errors import Unavailable
from service.storage.documents import bound_client
from tests.analytics.behind import FIRST, LAST, Behind, rollups
from tests.bookkeeping.books import CRON
from tests.storage.failing import failing
from tests.support.shop import Shop

_INTERRUPTED = 11601


async def test_a_second_rebuild_that_is_stopped_while_it_marks_begins_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the same time was done before; the control is how it stands while nobody is done."""
    monkeypatch.setattr(rebuilding, "_AT_ONCE", 4)
    behind = await _sold(shop, 4)
    await _rebuild(behind)
    before, stopped = await rollups(shop.database), 0
    spoilt = {"$set": {"totals.gross": 7}}
    for skipped in range(0, 12, 2):
        await shop.database[Rollup.collection_name()].update_many({}, spoilt)
        mode, commands = {"skip": skipped}, ["update", "delete", "insert", "commitTransaction"]
        try:
            async with failing(bound_client(), commands, errorCode=_INTERRUPTED, mode=mode):
                await rebuilding.begin_rebuild(FIRST, LAST, CRON, shop.clock)
        except Unavailable:
            stopped += 1
        assert await rollups(shop.database) != before
        await _rebuild(behind)
        assert await rollups(shop.database) == before
    assert stopped >= 3


async def _sold(shop: Shop, seed: int) -> Behind:
    """Have sales of which the job has read all, and added up nothing."""
    behind = Behind(shop.database, shop.clock, random.Random(seed))  # noqa: S311 - no secret
    for _ in range(12):
        await behind.sell()
    await behind.sweep()
    return behind


async def _rebuild(behind: Behind) -> None:
    await rebuilding.begin_rebuild(FIRST, LAST, CRON, behind.clock)
    await behind.sweep()
    await behind.roll()
    assert await rebuilding.count_left() == 0


@pytest.mark.parametrize("rebuilt", [True, False], ids=["rebuilt", "control"])
async def test_a_rebuild_reads_again_what_runs_have_read_long_since(
    shop: Shop, rebuilt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its facts are lost; a run alone reads what was written lately, and that is nothing here."""
    monkeypatch.setattr(sweeping, "COMMITTED_WITHIN_S", 0)
    behind = await _sold(shop, 6)
    await behind.sweep()
    facts = shop.database["figures_facts"]
    before = await facts.count_documents({})
    await facts.delete_many({})
    if rebuilt:
        await rebuilding.begin_rebuild(FIRST, LAST, CRON, shop.clock)
    await behind.sweep()
    assert before > 0
    assert await facts.count_documents({}) == (before if rebuilt else 0)


@pytest.mark.parametrize("rebuilt", [True, False], ids=["rebuilt", "control"])
@pytest.mark.parametrize("everything", [True, False], ids=["reads everything", "reads nothing new"])
@pytest.mark.parametrize("amid", [2, 5])
async def test_a_rebuild_that_is_begun_amid_a_run_has_all_be_read_again(
    shop: Shop, amid: int, everything: bool, rebuilt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a run writes what it has read; all facts are lost just then."""
    for name in ("COMMITTED_WITHIN_S", "ENDED_WITHIN_S", "FULLY_EVERY_S"):
        monkeypatch.setattr(sweeping, name, 0)
    behind = await _sold(shop, 7)
    monkeypatch.setattr(sweeping, "AT_ONCE", 3)
    facts = shop.database["figures_facts"]
    before, kept = await facts.count_documents({}), list[sweeping.Batch]()
    if everything:
        await read_again()
    keep = sweeping._keep

    async def noted(batch: sweeping.Batch, *more: Any) -> int:
        kept.append(batch)
        if len(kept) == amid + 1:
            await facts.delete_many({})
            if rebuilt:
                await rebuilding.begin_rebuild(FIRST, LAST, CRON, shop.clock)
        return await keep(batch, *more)

    monkeypatch.setattr(sweeping, "_keep", noted)
    await behind.sweep()
    await behind.sweep()
    found = await facts.count_documents({})
    assert found == before if rebuilt else found < before


async def test_each_command_that_marks_has_its_own_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two years of three merchants took longer than all of them had together."""
    monkeypatch.setattr(rebuilding, "_AT_ONCE", 2)
    await _sold(shop, 5)
    begun: list[int] = []
    marked: list[int] = []
    bounded, mark = rebuilding.answers_in_time, rebuilds.mark

    @asynccontextmanager
    async def counted(seconds: float) -> AsyncIterator[None]:
        begun.append(len(begun))
        async with bounded(seconds):
            yield

    async def noted(merchant_id: str, buckets: Sequence[datetime]) -> None:
        marked.append(len(begun))
        await mark(merchant_id, buckets)

    monkeypatch.setattr(rebuilding, "answers_in_time", counted)
    monkeypatch.setattr(rebuilds, "mark", noted)
    await rebuilding.begin_rebuild(FIRST, LAST, CRON, shop.clock)
    assert len(marked) > 2
    assert len({*marked}) == len(marked)
