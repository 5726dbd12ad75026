"""Days of a merchant's zone are sums of its quarter-hours, whatever the clocks do."""

from datetime import UTC, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.analytics.documents import DayRollup, FiguresState
from service.analytics.operations import added_up, days
from service.analytics.operations.days import hours_of, rows_of_days, whole_day
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.periods import DAY, day_of
from service.analytics.operations.rebuilding import begin_rebuild, figures_status
from service.analytics.states import QUARTER, Grain
from service.core.clock import ManualClock
from service.storage.database import Database
from tests.analytics.behind import (
    FIRST,
    LAST,
    Behind,
    day_starts,
    hour_starts,
    others,
    rollups,
    sums_by,
    with_sales,
)
from tests.analytics.rows import change, one_sale
from tests.bookkeeping.books import CRON
from tests.conftest import NOON

DAYS = {
    "23 hours": ("Europe/Berlin", datetime(2026, 3, 29, 12, tzinfo=UTC)),
    "25 hours": ("America/New_York", datetime(2026, 11, 1, 17, tzinfo=UTC)),
    "23.5 hours": ("Australia/Lord_Howe", datetime(2026, 10, 4, 3, tzinfo=UTC)),
    "24.5 hours": ("Australia/Lord_Howe", datetime(2026, 4, 5, 3, tzinfo=UTC)),
    "22 hours": ("Antarctica/Troll", datetime(2026, 3, 29, 12, tzinfo=UTC)),
    "26 hours": ("Antarctica/Troll", datetime(2026, 10, 25, 12, tzinfo=UTC)),
    "begins at one": ("Africa/Cairo", datetime(2026, 4, 24, 12, tzinfo=UTC)),
    "+5:30": ("Asia/Kolkata", NOON),
    "+5:45": ("Asia/Kathmandu", NOON),
}


def _bucket(at: datetime, n: int) -> Bucket:
    item = {f"plan-{n % 3}": {"payment": n, "gross": 7 * n}}
    totals = {"payment": n, "gross": 7 * n, "took:completed": 1, "tookMs:completed": n}
    payer = f"\0user-{n % 50}".encode()
    return Bucket(at, "USD", totals, {"item": item}, {n % 5: 1}, payer)


@pytest.mark.parametrize("name", sorted(DAYS))
def test_days_and_hours_are_sums_of_quarters(name: str) -> None:
    zone = ZoneInfo(DAYS[name][0])
    middle = day_of(DAYS[name][1], zone)
    spans = [whole_day(middle + n * DAY, zone) for n in (-1, 0, 1)]
    quarters = (spans[-1][1] - spans[0][0]) // QUARTER
    buckets = [_bucket(spans[0][0] + n * QUARTER, n + 1) for n in range(quarters)]
    rows = rows_of_days("default", spans, reversed(buckets), zone)
    if name.endswith("hours"):
        assert (spans[1][1] - spans[1][0]).total_seconds() / 3600 == float(name.split()[0])
    assert [(row["bucket"], row["until"]) for row in rows] == spans
    of_days, of_hours = [bucket_of(row) for row in rows], [hours_of(row) for row in rows]
    flat = [one for day in of_hours for one in day]
    by_day, by_hour = partial(day_starts, zone=zone), partial(hour_starts, zone=zone)
    assert sums_by(of_days, by_day) == sums_by(flat, by_day) == sums_by(buckets, by_day)
    assert sums_by(flat, by_hour) == sums_by(buckets, by_hour)
    assert others(of_days) == others(flat) == others(buckets)


async def _made(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant of Kathmandu with sales of some days, all of them added up."""
    behind = await with_sales(database, clock, seed, days=3, sales=12)
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    await _hold(behind)
    return behind


async def _hold(behind: Behind) -> None:
    for _ in range(6):
        await behind.check_days()


async def _falsify(database: Database) -> None:
    """Change what all days say."""
    await database[DayRollup.collection_name()].update_many({}, {"$inc": {"totals.session": 1}})


async def test_a_day_that_was_not_replaced_is_noticed(
    database: Database, clock: ManualClock
) -> None:
    """The control: days are read at all. Where they are missing, their quarter-hours answer."""
    behind = await _made(database, clock, 1)
    await _falsify(database)
    with pytest.raises(AssertionError):
        await _hold(behind)
    await database[DayRollup.collection_name()].delete_many({})
    await _hold(behind)


async def test_a_day_is_replaced_with_its_quarter_hour(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 2)
    before = await database[DayRollup.collection_name()].find({}).to_list()
    for sale in behind.sales:
        await change("sessions", sale["sessions"], amount=1)
    await _hold(behind)  # nobody has read these yet
    await behind.sweep()
    await _hold(behind)  # nobody has added them up yet
    await behind.roll()
    assert await database[DayRollup.collection_name()].find({}).to_list() != before
    await _hold(behind)
    keys = {(row["bucket"], row["currency"]) for row in before}
    first = min(behind.sales, key=lambda one: one["sessions"]["createdAt"])["sessions"]
    await change("sessions", first, amount=2)
    await behind.sweep()
    await behind.roll()
    after = await database[DayRollup.collection_name()].find({}).to_list()
    assert {(row["bucket"], row["currency"]) for row in after} == keys  # the next one stays


async def test_a_day_is_not_read_while_its_first_quarter_hour_has_changed(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is read all the same."""
    behind = await _made(database, clock, 6)
    zone = ZoneInfo("Asia/Kathmandu")
    begins = whole_day(day_of(NOON, zone), zone)[0]
    behind.sales.append(await one_sale(behind.draw, "s-first", begins))
    await behind.sweep()
    await behind.roll()
    await change("sessions", behind.sales[-1]["sessions"], amount=1)
    await behind.hold((FIRST, LAST), Grain.DAY, day_starts)
    await behind.sweep()
    await behind.hold((FIRST, LAST), Grain.DAY, day_starts)
    monkeypatch.setattr(added_up, "_any_in", lambda *_: False)
    with pytest.raises(AssertionError):
        await behind.hold((FIRST, LAST), Grain.DAY, day_starts)


async def test_days_of_another_zone_are_not_read_and_then_made_anew(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 3)
    await _falsify(database)
    await behind.move_house("America/New_York")
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)
    [state] = await database[FiguresState.collection_name()].find({}).to_list()
    assert (state["zone"], state["daysFrom"]) == ("America/New_York", None)
    zone = ZoneInfo("America/New_York")
    begins = await database[DayRollup.collection_name()].distinct("bucket")
    assert begins
    assert all(at == day_starts(at, zone) for at in begins)


async def test_a_part_with_too_many_keys_is_read_from_quarter_hours(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "MOST_KEYS_OF_A_DAY", 0)
    behind = await _made(database, clock, 4)
    kept: list[Any] = await database[DayRollup.collection_name()].distinct("parts")
    assert kept == [{}]
    await _falsify(database)  # each part is asked for: no day has it
    await _hold(behind)


async def test_a_rebuild_removes_days_in_which_nothing_is(
    database: Database, clock: ManualClock
) -> None:
    """One is before all that there is, and one between."""
    behind = await _made(database, clock, 6)
    collection = database[DayRollup.collection_name()]
    await one_sale(behind.draw, "long-ago", NOON - 9 * DAY)
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    made = await rollups(database)
    first = await collection.find_one({}, sort=[("bucket", 1)])
    assert first is not None
    for n in (-1, 2):
        at = {name: first[name] + n * DAY for name in ("bucket", "until")}
        assert await collection.count_documents({"bucket": at["bucket"]}) == 0
        await collection.insert_one(first | at | {"_id": f"false-{n}"})
    with pytest.raises(AssertionError):
        await behind.hold((FIRST, LAST), Grain.DAY, day_starts)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await behind.roll()
    await behind.hold((FIRST, LAST), Grain.DAY, day_starts)
    await behind.make_days()
    assert await rollups(database) == made


async def test_a_rebuild_makes_days_that_are_wrong_anew(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 5)
    made = await database[DayRollup.collection_name()].count_documents({})
    await _falsify(database)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await behind.roll()
    await _hold(behind)
    status = await figures_status()
    assert (status.days, status.merchants[0].zone) == (made, "Asia/Kathmandu")
