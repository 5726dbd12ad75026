"""Months of a merchant's zone are sums of its days, and there is none of what has changed."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.analytics.documents import DayRollup, FiguresState, MonthRollup
from service.analytics.operations import days
from service.analytics.operations.added_up import Coarse
from service.analytics.operations.months import make_months, whole_month
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.operations.remaking import Replaced, make_days, replace
from service.analytics.states import Grain, Part
from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.storage.database import Database, Row
from service.storage.documents import bound_client
from service.storage.plain import in_transaction
from tests.analytics.behind import (
    FIRST,
    FOREVER,
    LAST,
    Behind,
    falsify_months,
    hour_of_day,
    month_starts,
    rollups,
    with_sales,
)
from tests.analytics.rows import change
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.storage.failing import failing

_SPANS = [(FIRST, LAST), (NOON - timedelta(days=75), NOON), (NOON - timedelta(days=20), NOON)]


async def _made(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant of Kathmandu with sales of three months, all of them added up."""
    behind = await with_sales(database, clock, seed, days=90, sales=16)
    await behind.leave()
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    await _hold(behind)
    return behind


async def _hold(behind: Behind) -> None:
    for span in _SPANS:
        await behind.hold(span, Grain.MONTH, month_starts)
    await behind.hold(_SPANS[1], Grain.HOUR_OF_DAY, hour_of_day)


async def _months(database: Database) -> list[Row]:
    found = database[MonthRollup.collection_name()].find({}, {"_id": 0})
    return await found.sort([("bucket", 1), ("currency", 1)]).to_list()


async def _forget(database: Database) -> None:
    """Let none have been made."""
    await database[MonthRollup.collection_name()].delete_many({})
    states = database[FiguresState.collection_name()]
    await states.update_many({}, {"$set": {"monthsUntil": None}})


async def test_months_are_read_where_they_are_whole(database: Database, clock: ManualClock) -> None:
    behind = await _made(database, clock, 1)
    zone = ZoneInfo("Asia/Kathmandu")
    months = {(row["bucket"], row["until"]) for row in await _months(database)}
    assert len(months) >= 3
    assert all(whole_month(one[0], zone) == one for one in months)
    await falsify_months(database)
    with pytest.raises(AssertionError):
        await behind.hold(_SPANS[0], Grain.MONTH, month_starts)
    for span in (_SPANS[1], max(months)):
        with pytest.raises(AssertionError):
            await behind.hold(span, Grain.MONTH, month_starts)
    # The control: none is in 20 days, and nobody who tells days apart reads any.
    await behind.hold(_SPANS[2], Grain.MONTH, month_starts)
    await behind.hold(_SPANS[0], Grain.DAY, month_starts)


@pytest.mark.parametrize(
    ("begins", "ends", "is_asked"),
    [
        ((5, 1, 0), (6, 1, 0), True),
        ((5, 1, 1), (6, 1, 0), False),
        ((5, 1, 0), (5, 31, 23), False),
        ((4, 20, 0), (6, 5, 0), True),
        ((4, 20, 0), (5, 25, 0), False),
        ((6, 1, 0), (9, 1, 0), True),
        ((7, 1, 0), (9, 1, 0), False),
    ],
)
def test_months_are_asked_for_where_a_time_has_one_that_was_made(
    begins: tuple[int, int, int], ends: tuple[int, int, int], *, is_asked: bool
) -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    span = datetime(2026, *begins, tzinfo=zone), datetime(2026, *ends, tzinfo=zone)
    made_until = datetime(2026, 7, 1, tzinfo=zone)
    kinds = Coarse(zone, Grain.MONTH, made_until).kinds_in(span)
    assert kinds == ((MonthRollup, DayRollup) if is_asked else (DayRollup,))
    assert Coarse(zone, Grain.DAY, made_until).kinds_in(span) == (DayRollup,)
    assert Coarse(zone, Grain.MONTH).kinds_in(span) == (DayRollup,)


async def test_a_month_goes_with_what_changes_and_comes_back(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 2)
    before = await _months(database)
    old = min(behind.sales, key=lambda one: one["sessions"]["createdAt"])["sessions"]
    await change("sessions", old, amount=1)
    await _hold(behind)  # nobody has read it yet
    await behind.sweep()
    assert await _months(database) == before
    await _hold(behind)  # nobody has added it up yet
    await behind.roll()
    assert await _months(database) == []
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)
    assert [row["bucket"] for row in await _months(database)] == [row["bucket"] for row in before]


async def test_where_all_marks_were_raised_since_nothing_is_replaced(
    database: Database, clock: ManualClock
) -> None:
    """The control: one was not."""
    behind = await _made(database, clock, 16)
    before = await rollups(behind.database)
    at = min(row["bucket"] for row in before)
    await in_transaction(partial(replace, Replaced("default", None, (), ())))
    assert await rollups(database) == before
    await in_transaction(partial(replace, Replaced("default", None, {at}, ())))
    assert await rollups(database) != before


async def test_months_before_the_one_that_changed_are_kept(
    database: Database, clock: ManualClock
) -> None:
    """What changed is in the last month but one: that one goes, and the last."""
    behind = await _made(database, clock, 3)
    before = await _months(database)
    last = max(row["bucket"] for row in before)
    changed = [
        one["sessions"]
        for one in behind.sales
        if last - timedelta(days=20) < one["sessions"]["createdAt"] < last
    ]
    await change("sessions", changed[0], amount=1)
    await behind.sweep()
    await behind.roll()
    left = await _months(database)
    assert left
    assert left == [row for row in before if row["until"] < last]
    await _hold(behind)


async def test_what_comes_into_a_month_without_anything_removes_those_after_it(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 4)
    first = min(row["bucket"] for row in await _months(database))
    await change("payments", _paid(behind), firstAt=first - timedelta(days=70))
    await behind.sweep()
    await behind.roll()
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)
    assert min(row["bucket"] for row in await _months(database)) < first - timedelta(days=60)


async def test_no_month_is_made_before_it_is_over(database: Database, clock: ManualClock) -> None:
    behind = await _made(database, clock, 5)
    await _forget(database)
    ends = whole_month(NOON, ZoneInfo("Asia/Kathmandu"))[1]
    await make_months("default", ManualClock(ends - timedelta(seconds=1)), None, FOREVER)
    assert max(row["until"] for row in await _months(database)) <= NOON
    assert await make_months("default", ManualClock(ends), None, FOREVER) == 1
    assert max(row["until"] for row in await _months(database)) == ends
    assert await make_months("default", ManualClock(ends), None, FOREVER) == 0
    await _hold(behind)


async def test_months_of_another_zone_are_not_read_and_then_made_anew(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 6)
    await falsify_months(database)
    await behind.move_house("America/New_York")
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)
    begins = await database[MonthRollup.collection_name()].distinct("bucket")
    assert len(begins) >= 3
    assert all(at == month_starts(at, ZoneInfo("America/New_York")) for at in begins)


async def test_a_part_with_too_many_keys_is_read_from_days(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = await _made(database, clock, 7)
    await _forget(database)
    monkeypatch.setattr(days, "MOST_KEYS_OF_A_DAY", 0)
    await make_months("default", ManualClock(LAST), None, FOREVER)
    kept: list[Any] = await database[MonthRollup.collection_name()].distinct("parts")
    assert kept == [{}]
    await falsify_months(database)  # each part is asked for: no month has it
    await _hold(behind)


async def test_a_month_lacks_a_part_that_one_of_its_days_lacks(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 8)
    day = await database[DayRollup.collection_name()].find_one({"currency": "USD"})
    assert day is not None
    lacking = {"$set": {"without": ["item"]}, "$unset": {"parts.item": 1}}
    await database[DayRollup.collection_name()].update_one({"_id": day["_id"]}, lacking)
    await _forget(database)
    await behind.make_days()
    [month] = [
        row
        for row in await _months(database)
        if row["bucket"] <= day["bucket"] < row["until"] and row["currency"] == "USD"
    ]
    assert month["without"] == ["item"]
    assert "item" not in month["parts"]
    await _hold(behind)


@pytest.mark.parametrize("skipped", range(0, 6, 2))
async def test_months_are_made_from_where_it_was_stopped(
    database: Database, clock: ManualClock, skipped: int
) -> None:
    behind = await _made(database, clock, 9)
    before = await _months(database)
    await _forget(database)
    commands = ["insert", "update", "commitTransaction"]
    async with failing(bound_client(), commands, errorCode=11601, mode={"skip": skipped}):
        with pytest.raises(Unavailable):
            await make_months("default", ManualClock(LAST), None, FOREVER)
    assert len(await _months(database)) < len(before)
    await _hold(behind)
    await make_months("default", ManualClock(LAST), None, FOREVER)
    assert await _months(database) == before


async def test_what_is_made_anew_has_its_months_anew(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 10)
    before = await _months(database)
    await falsify_months(database)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    assert await _months(database) == before


async def test_no_month_is_made_of_days_that_are_still_to_be_made(
    database: Database, clock: ManualClock
) -> None:
    """Not begun, and stopped after the first 31 of them; the control goes on."""
    behind = await _made(database, clock, 13)
    none = {"$set": {"zone": None, "monthsUntil": None}}
    await database[FiguresState.collection_name()].update_one({}, none)
    assert await make_months("default", ManualClock(LAST), None, FOREVER) == 0
    await behind.move_house("UTC")
    async with failing(bound_client(), ["commitTransaction"], errorCode=11601, mode={"skip": 2}):
        with pytest.raises(Unavailable):
            await make_days("default", None, FOREVER)
    assert await database[DayRollup.collection_name()].count_documents({}) > 0
    assert await make_months("default", ManualClock(LAST), None, FOREVER) == 0
    await _hold(behind)
    await make_days("default", None, FOREVER)
    assert await make_months("default", ManualClock(LAST), None, Until(0)) == 0  # no time is left
    assert await make_months("default", ManualClock(LAST), None, FOREVER) >= 3
    await _hold(behind)


async def test_months_by_rules_that_the_zone_had_before_are_not_read(
    database: Database, clock: ManualClock
) -> None:
    """As if its clocks had been an hour ahead; of the control they were not."""
    behind = await _made(database, clock, 14)
    await falsify_months(database)
    with pytest.raises(AssertionError):
        await _hold(behind)
    months = database[MonthRollup.collection_name()]
    for row in await months.find({}).sort([("bucket", 1)]).to_list():
        hour = {name: row[name] - timedelta(hours=1) for name in ("bucket", "until")}
        await months.update_one({"_id": row["_id"]}, {"$set": hour})
    await _hold(behind)


async def test_months_beyond_those_that_the_state_knows_are_not_read_and_replaced(
    database: Database, clock: ManualClock
) -> None:
    """As where a state of before was restored; in the control it knows them."""
    behind = await _made(database, clock, 15)
    before = await _months(database)
    first = before[0]["until"]
    wrong = {"$inc": {"totals.session": 1}}
    later = await database[MonthRollup.collection_name()].update_many(
        {"until": {"$gt": first}}, wrong
    )
    assert later.modified_count >= 2
    with pytest.raises(AssertionError):
        await _hold(behind)
    states = database[FiguresState.collection_name()]
    await states.update_one({}, {"$set": {"monthsUntil": first}})
    await _hold(behind)
    await behind.make_days()
    assert await _months(database) == before


@pytest.mark.parametrize("zone", ["UTC", "Australia/Lord_Howe"])
async def test_three_months_of_a_zone_are_sums_of_quarters(
    database: Database, clock: ManualClock, zone: str
) -> None:
    behind = await _made(database, clock, 11)
    await behind.move_house(zone)
    await behind.make_days()
    await _hold(behind)
    asked = Asked("default", [_SPANS[0]], "USD", [*Part], Grain.MONTH, zone)
    begins = {one.at for one in (await read(asked)).buckets[0]}
    assert begins == {month_starts(at, ZoneInfo(zone)) for at in begins}


async def test_months_that_a_lost_state_left_are_nobodys(
    database: Database, clock: ManualClock
) -> None:
    """They are not read, and the next run replaces them; the control has the state."""
    behind = await _made(database, clock, 12)
    before = await _months(database)
    await falsify_months(database)
    with pytest.raises(AssertionError):
        await _hold(behind)
    await database[FiguresState.collection_name()].delete_many({})
    await behind.sweep()
    await behind.roll()
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)
    assert await _months(database) == before


def _paid(behind: Behind) -> Row:
    return next(one["payments"] for one in behind.sales if "payments" in one)
