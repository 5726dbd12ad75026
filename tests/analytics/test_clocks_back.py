"""Clocks that go back over midnight: the former day is over, though they say its date again."""

import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from service.analytics.operations.days import whole_day
from service.analytics.operations.months import whole_month
from service.analytics.operations.periods import DAY, day_of, start_of
from service.analytics.states import QUARTER, Grain
from service.core.clock import ManualClock
from service.storage.database import Database
from tests.analytics.behind import Behind, day_starts, hour_of_day, month_starts
from tests.analytics.rows import change, one_sale

BEGINS = {
    "America/St_Johns": datetime(2009, 11, 1, 2, 30, tzinfo=UTC),
    "America/Goose_Bay": datetime(2010, 11, 7, 3, 0, tzinfo=UTC),
    "Antarctica/Casey": datetime(2010, 3, 4, 13, 0, tzinfo=UTC),
}
"""When the day begins in which they did, by the zone."""
AROUND = range(-8, 16)


@pytest.mark.parametrize("name", sorted(BEGINS))
def test_a_moment_is_in_its_day_and_its_month(name: str) -> None:
    """The control: by the date that clocks say, some quarter-hours are in none."""
    zone, begins = ZoneInfo(name), BEGINS[name]
    moments = [begins + n * QUARTER for n in AROUND]
    assert begins == start_of(day_of(begins, zone), zone)
    odd = 0
    for at in moments:
        since, until = whole_day(day_of(at, zone), zone)
        assert since <= at < until
        assert whole_month(at, zone)[0] <= at < whole_month(at, zone)[1]
        said = at.astimezone(zone).date()
        odd += not start_of(said, zone) <= at < start_of(said + DAY, zone)
    assert odd >= 2
    days = [day_of(at, zone) for at in moments]
    assert days == sorted(days)


@pytest.mark.parametrize("name", sorted(BEGINS))
async def test_days_and_months_are_sums_of_their_quarter_hours(
    database: Database, clock: ManualClock, name: str
) -> None:
    behind = Behind(database, clock, random.Random(20))  # noqa: S311 - no secret
    begins, zone = BEGINS[name], ZoneInfo(name)
    await behind.move_house(name)
    for n in AROUND:
        sale = await one_sale(behind.draw, f"s-{n}", begins + n * QUARTER)
        behind.sales.append(sale)
    await _made(behind)
    await _hold(behind, begins, whole_month(begins, zone)[1])
    for sale in behind.sales[::3]:
        await change("sessions", sale["sessions"], amount=77)
    await _made(behind)
    await _hold(behind, begins, whole_month(begins, zone)[1])


async def _made(behind: Behind) -> None:
    await behind.sweep()
    await behind.roll()
    await behind.make_days()


async def _hold(behind: Behind, begins: datetime, ends: datetime) -> None:
    """Hold the day, what is before it and its month to be sums of quarter-hours."""
    some_days = 40 * DAY
    for span in ((begins, begins + DAY), (begins - some_days, begins), (begins, ends)):
        await behind.hold(span, Grain.DAY, day_starts)
        await behind.hold(span, Grain.MONTH, month_starts)
        await behind.hold(span, Grain.HOUR_OF_DAY, hour_of_day)
