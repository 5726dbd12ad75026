"""A month is held against its entries ahead; what is written meanwhile is not passed by."""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from service.core.batches import Until
from service.core.errors import Unavailable
from service.jobs.operations.job import Turn
from service.jobs.operations.run import LEASE
from service.leases.operations import leased
from service.merchants.documents import Merchant
from service.reports import repository
from service.reports.operations import holding, reconciling, running
from service.reports.operations.closing import Closing, Outcome
from service.reports.operations.running import ClosingReport, close_due
from service.storage.database import Row
from service.storage.documents import bound_client
from tests.analytics.rows import one_sale
from tests.analytics.test_now import roll_up
from tests.bookkeeping.books import FOREVER
from tests.reports.ahead import (
    DOINGS,
    Doing,
    before_the_transaction,
    close_one,
    corrected_and_posted,
    forget,
    late_sale,
    moved,
    what_came,
    wrongly_posted,
)
from tests.reports.months import at, close, keep_books, moment, sold, stored
from tests.reports.test_killed import INTERRUPTED, WRITES
from tests.storage.failing import failing
from tests.support.shop import Shop

_NOW_OVER = Until(0.0)


async def _sold(shop: Shop, seed: int, count: int = 30) -> dict[str, Row]:
    """Sell in November; return a sale whose payment came, in dollars."""
    sales = await sold(shop, count, seed, days=15)
    await at(shop, moment(2026, 12, 4))
    return next(
        one
        for one in sales
        if one.get("payments", {}).get("status") == "succeeded"
        and one["payments"]["currency"] == "USD"
    )


async def _reached(shop: Shop) -> Any:
    return (await shop.database["jobs"].find_one({"_id": "reports"}) or {}).get("reached")


@pytest.mark.parametrize("do", DOINGS, ids=lambda one: one.__name__)
async def test_what_is_written_before_the_transaction_is_as_if_it_had_been_there_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, do: Doing
) -> None:
    sale = await _sold(shop, 61)
    without = what_came(await close_one(shop))
    await forget(shop)
    with monkeypatch.context() as patch:
        before_the_transaction(patch, lambda: do(shop, sale))
        between = what_came(await close_one(shop))
    await forget(shop)
    afterwards = what_came(await close_one(shop))
    assert between == afterwards
    assert (between == without) == (do.__name__ == "posted_for_nothing")


@pytest.mark.parametrize("do", [wrongly_posted, corrected_and_posted, moved])
async def test_who_does_not_look_at_what_was_written_closes_what_does_not_agree(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, do: Doing
) -> None:
    """The control: a wrong entry is seen by its time alone, the others by their sums, too."""
    sale = await _sold(shop, 62)

    async def nothing(*_: object) -> set[datetime]:
        return set()

    before_the_transaction(monkeypatch, lambda: do(shop, sale))
    monkeypatch.setattr(reconciling, "touched", nothing)
    seen = await close_one(shop)
    await forget(shop)
    monkeypatch.undo()
    assert (what_came(seen) == what_came(await close_one(shop))) == (do is not wrongly_posted)


async def test_a_correction_that_the_books_do_not_have_yet_lets_the_month_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _sold(shop, 63)
    with monkeypatch.context() as patch:
        before_the_transaction(patch, lambda: late_sale(shop, {}))
        outcome = await close_one(shop)
    assert outcome.report is None
    assert "not posted yet" in str(outcome.refused)
    await keep_books(shop)
    assert (await close_one(shop)).report is not None


@pytest.mark.parametrize("at_once", [1, 3, 7])
async def test_a_month_that_takes_many_runs_is_closed_as_in_one(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    await _sold(shop, 64, count=40)
    whole = await close_one(shop)
    assert whole.report is not None
    await forget(shop)
    monkeypatch.setattr(repository, "AT_ONCE", at_once)
    parts = await close_one(shop, _NOW_OVER)
    assert parts.report == whole.report


async def test_the_next_run_of_the_job_goes_on_where_the_last_one_stopped(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _sold(shop, 65, count=40)
    assert (await close(shop))["closed"] == 3
    hashes = {row["_id"]: row["hash"] async for row in shop.database["reports"].find()}
    await forget(shop)
    monkeypatch.setattr(repository, "AT_ONCE", 4)
    close_next, runs = running.close_next, 0

    async def in_a_hurry(*args: Any) -> Any:
        merchant, currency, closing, known = args
        hurried = Closing(closing.by, closing.clock, _NOW_OVER, closing.lease, closing.wrong)
        return await close_next(merchant, currency, hurried, known)

    monkeypatch.setattr(running, "close_next", in_a_hurry)
    while not runs or await _reached(shop) is not None:
        await close(shop)
        runs += 1
    assert runs > 3
    assert {row["_id"]: row["hash"] async for row in shop.database["reports"].find()} == hashes


@pytest.mark.parametrize("seed", range(3))
async def test_rows_that_change_while_they_are_read_are_as_if_they_had_before(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """At random: between any two batches, in any state of being read and posted."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    sale = await _sold(shop, 66 + seed, count=40)
    differences, done = holding.differences, 0

    async def meanwhile(rows: Sequence[Row], *args: Any) -> Any:
        nonlocal done
        if draw.random() < 0.5 and done < 4:
            done += 1
            await draw.choice([one for one in DOINGS if one is not wrongly_posted])(shop, sale)
        return await differences(rows, *args)

    with monkeypatch.context() as patch:
        patch.setattr(repository, "AT_ONCE", 5)
        patch.setattr(holding, "differences", meanwhile)
        between = what_came(await close_one(shop, draw.choice([FOREVER, _NOW_OVER])))
    await forget(shop)
    assert done
    assert between == what_came(await close_one(shop))


async def test_whoever_is_stopped_at_a_write_leaves_what_the_next_one_closes_alike(
    shop: Shop,
) -> None:
    await _sold(shop, 70)
    expected = what_came(await close_one(shop))
    stopped = 0
    for writes in range(8):
        await forget(shop)
        try:
            how: Any = {"errorCode": INTERRUPTED, "mode": {"skip": writes}}
            async with failing(bound_client(), WRITES, **how):
                await close_one(shop)
        except Unavailable:
            stopped += 1
            assert await stored(shop) == []
            assert await shop.messages("report.closed") == []
        await close_one(shop)
        assert [row["hash"] for row in await stored(shop)] == [expected]
        assert len(await shop.messages("report.closed")) == 1
        trail = shop.database["audit_log"].find({"action": "report.closed"})
        assert [row["detail"]["hash"] async for row in trail] == [expected]
    assert 3 < stopped < 8


async def test_of_several_at_once_without_a_lease_one_closes(shop: Shop) -> None:
    await _sold(shop, 71)
    outcomes = await asyncio.gather(*(close_one(shop) for _ in range(4)))
    [report] = [one.report for one in outcomes if one.report is not None]
    assert [one.refused for one in outcomes] == [None] * 4
    assert [row["hash"] for row in await stored(shop)] == [report.hash]
    assert len(await shop.messages("report.closed")) == 1


async def test_a_merchant_whose_month_takes_all_the_time_holds_up_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run began with the first one again: the second was never looked at."""
    await _sold(shop, 72)
    now = shop.clock.now()
    await shop.database["merchants"].insert_one(Merchant.unnamed("zoe", now).to_row())
    draw = random.Random(3)  # noqa: S311 - no secret
    for n in range(6):
        await one_sale(draw, f"z-{n}", moment(2026, 11, 10), merchant="zoe")
    await keep_books(shop)
    await roll_up(shop)
    over = asyncio.Event()
    closed: list[str] = []

    async def refused(merchant: Merchant, *_: object) -> Any:
        closed.append(merchant.id)
        over.set()
        return Outcome(refused="Its books don't balance.")

    monkeypatch.setattr(running, "close_next", refused)
    async with leased("reports", LEASE, shop.clock) as lease:
        for _ in range(2):
            over.clear()
            turn = Turn(Until(FOREVER.at, over), lease, await _reached(shop))
            await close_due(shop.clock, ClosingReport("reports"), turn)
    assert {*closed} == {"default", "zoe"}
