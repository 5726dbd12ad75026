"""What was purged stays counted, in days and months, also where these are made anew."""

from zoneinfo import ZoneInfo

import pytest

from service.analytics.documents import DayRollup, Fact, MonthRollup
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.operations.refreshing import FiguresReport, refresh
from service.analytics.repository.sources import SOURCES
from service.analytics.states import Grain
from service.core.batches import Until
from service.core.clock import ManualClock
from service.jobs.operations.job import Turn
from service.storage.database import Database
from tests.analytics.behind import (
    FIRST,
    FOREVER,
    LAST,
    Behind,
    day_starts,
    falsify_months,
    hour_of_day,
    month_starts,
    rollups,
    with_sales,
)
from tests.bookkeeping.books import CRON


async def _sold(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant with sales of three months, which a run of the job has added up."""
    behind = await with_sales(database, clock, seed, days=90, sales=16)
    await _run()
    assert await database[MonthRollup.collection_name()].count_documents({}) >= 3
    return behind


async def _run(until: Until = FOREVER) -> FiguresReport:
    report = FiguresReport("figures")
    await refresh(ManualClock(LAST), report, Turn(until))
    return report


async def _purge(behind: Behind, sales: int) -> None:
    for sale in behind.sales[:sales]:
        for name, row in sale.items():
            await behind.database[name].delete_one({"_id": row["_id"]})


@pytest.mark.parametrize("sales", [8, 16], ids=["some", "all"])
async def test_what_was_purged_is_made_anew_as_it_was(
    database: Database, clock: ManualClock, sales: int
) -> None:
    """Of its facts, which stay; the control loses these, too."""
    behind = await _sold(database, clock, 1)
    before = await rollups(database)
    await _purge(behind, sales)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await _run()
    assert await rollups(database) == before
    await database[Fact.collection_name()].delete_many({})
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await _run()
    assert await rollups(database) != before


async def test_days_and_months_of_what_was_purged_are_made_in_another_zone(
    database: Database, clock: ManualClock
) -> None:
    behind = await _sold(database, clock, 2)
    await _purge(behind, len(behind.sales))
    assert [await database[name].count_documents({}) for name in SOURCES] == [0] * len(SOURCES)
    await behind.move_house("America/New_York")
    before = await rollups(database)
    await _run(Until(0))  # the control: no time is left
    assert await rollups(database) == before
    report = await _run()
    assert report.days > 80
    assert report.months >= 3
    zone = ZoneInfo("America/New_York")
    for document, since in ((DayRollup, day_starts), (MonthRollup, month_starts)):
        begins = await database[document.collection_name()].distinct("bucket")
        assert len(begins) >= 3
        assert all(at == since(at, zone) for at in begins)
    await behind.hold((FIRST, LAST), Grain.MONTH, month_starts)
    await behind.hold((FIRST, LAST), Grain.HOUR_OF_DAY, hour_of_day)
    await falsify_months(database)
    with pytest.raises(AssertionError):  # the control: they are what is read
        await behind.hold((FIRST, LAST), Grain.HOUR_OF_DAY, hour_of_day)
