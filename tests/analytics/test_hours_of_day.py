"""The hours of the day over long times are read from months, and are those of the zone's clocks."""

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from service.analytics.documents import FiguresState, MonthRollup
from service.analytics.operations.added_up import Coarse
from service.analytics.operations.months import whole_month
from service.analytics.operations.periods import DAY, MINUTE, offsets_within
from service.analytics.states import QUARTER, Grain
from service.core.clock import ManualClock
from service.storage.database import Database, Row
from tests.analytics import oracle
from tests.analytics.behind import (
    FIRST,
    LAST,
    Behind,
    falsify_months,
    hour_of_day,
    hour_starts,
    month_starts,
    with_sales,
)
from tests.analytics.rows import change, one_sale
from tests.analytics.test_now import asked, in_zone, roll_up, seeded
from tests.conftest import NOON
from tests.support.shop import Shop

_ALL, _DAYS_20 = (FIRST, LAST), (NOON - timedelta(days=20), NOON)
CHANGES = {
    "America/New_York": datetime(2026, 11, 1, 6, 0, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 4, 15, 0, tzinfo=UTC),
    "Africa/Cairo": datetime(2026, 4, 23, 22, 0, tzinfo=UTC),
    "America/St_Johns": datetime(2009, 11, 1, 2, 31, tzinfo=UTC),
    "Antarctica/Casey": datetime(2010, 3, 4, 15, 0, tzinfo=UTC),
    "Asia/Kathmandu": datetime(2026, 3, 1, 0, 0, tzinfo=UTC),
}
"""About when clocks change by half an hour up to three, over midnight or in the night; or never."""


async def _made(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant of Kathmandu with sales of three months, all of them added up."""
    behind = await with_sales(database, clock, seed, days=90, sales=24)
    await _make(behind)
    return behind


async def _make(behind: Behind) -> None:
    await behind.sweep()
    await behind.roll()
    await behind.make_days()


async def _hold(behind: Behind, *spans: tuple[datetime, datetime]) -> None:
    for span in spans or (_ALL, _DAYS_20):
        await behind.hold(span, Grain.HOUR_OF_DAY, hour_of_day)


async def _set(database: Database, **fields: object) -> None:
    await database[MonthRollup.collection_name()].update_many({}, {"$set": fields})


async def test_hours_of_the_day_are_read_from_months(
    database: Database, clock: ManualClock
) -> None:
    """The control: none is in 20 days, and whoever tells days apart reads none."""
    behind = await _made(database, clock, 1)
    await _hold(behind)
    months = await database[MonthRollup.collection_name()].find({}).to_list()
    assert len(months) >= 6
    await falsify_months(database)
    for span in (_ALL, (months[0]["bucket"], months[0]["until"])):
        with pytest.raises(AssertionError):
            await _hold(behind, span)
    await _hold(behind, _DAYS_20)
    await behind.hold(_ALL, Grain.HOUR, hour_starts)


def test_months_are_asked_for_by_who_tells_no_days_apart() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    month = whole_month(NOON, zone)
    kinds = {one: Coarse(zone, one, month[1]).kinds_in(month) for one in Grain}
    with_months = {one for one, some in kinds.items() if MonthRollup in some}
    assert with_months == {Grain.MONTH, Grain.HOUR_OF_DAY}


@pytest.mark.parametrize("name", sorted(CHANGES))
async def test_where_clocks_change_the_hour_is_what_they_say(
    database: Database, clock: ManualClock, name: str
) -> None:
    """In each quarter-hour around it something is sold; the control reads other months."""
    behind = Behind(database, clock, random.Random(30))  # noqa: S311 - no secret
    await behind.move_house(name)
    for n in range(-12, 16):
        at = CHANGES[name] + n * QUARTER
        behind.sales.append(await one_sale(behind.draw, f"s-{n}", at))
    month = whole_month(CHANGES[name], ZoneInfo(name))
    spans = (month[0] - DAY, month[1] + DAY), (month[0], CHANGES[name]), month
    await _make(behind)
    await _hold(behind, *spans)
    for sale in behind.sales[::3]:
        await change("sessions", sale["sessions"], amount=77)
    await _make(behind)
    await _hold(behind, *spans)
    await falsify_months(database)
    await _hold(behind, spans[1])
    with pytest.raises(AssertionError):
        await _hold(behind, month)


async def test_a_month_that_changes_late_has_other_hours_at_once(
    database: Database, clock: ManualClock
) -> None:
    """A payment that moves by hours, one that fails after all, and a sale of which we hear late."""
    behind = await _made(database, clock, 2)
    paid = [one["payments"] for one in behind.sales if "payments" in one]
    old, other = sorted(paid, key=lambda one: one["firstAt"] or one["statusAt"])[:2]
    moved = (old["firstAt"] or old["statusAt"]) + timedelta(hours=5)
    for row, fields in ((old, {"firstAt": moved}), (other, {"status": "failed", "amount": 9})):
        await change("payments", row, **fields)
        for go_on in (behind.sweep, behind.roll, behind.make_days):
            await _hold(behind)
            await go_on()
    await one_sale(behind.draw, "late", NOON - timedelta(days=61, hours=7))
    for go_on in (behind.sweep, behind.roll, behind.make_days, behind.sweep):
        await _hold(behind)
        await go_on()


async def test_months_of_before_have_no_hours_and_are_read_as_days(
    database: Database, clock: ManualClock
) -> None:
    """As sums of their days they are read all the same; the control has hours, wrong ones."""
    behind = await _made(database, clock, 3)
    await falsify_months(database)
    with pytest.raises(AssertionError):
        await _hold(behind)
    months = database[MonthRollup.collection_name()]
    await months.update_many({}, {"$unset": {"hours": 1, "offsets": 1}})
    await _hold(behind)
    with pytest.raises(AssertionError):
        await behind.hold(_ALL, Grain.MONTH, month_starts)


async def test_months_by_other_rules_of_a_zone_are_read_as_days(
    database: Database, clock: ManualClock
) -> None:
    """Recife's clocks were ahead for one week of October 2000: its month begins and ends alike.

    The control takes the rules of before for those of now.
    """
    behind = Behind(database, clock, random.Random(31))  # noqa: S311 - no secret
    await behind.move_house("Etc/GMT+3")
    for n in range(30):
        at = datetime(2000, 10, 1, 12, tzinfo=UTC) + n * DAY
        behind.sales.append(await one_sale(behind.draw, f"s-{n}", at))
    await _make(behind)
    zone = ZoneInfo("America/Recife")
    month = whole_month(behind.sales[0]["sessions"]["createdAt"], zone)
    assert len(offsets_within(month, zone)) == 3
    await _hold(behind, month)
    await behind.move_house("America/Recife")
    state = {"$set": {"zone": "America/Recife"}}
    await database[FiguresState.collection_name()].update_one({"_id": "default"}, state)
    await _hold(behind, month)
    await _set(database, offsets=offsets_within(month, zone))
    with pytest.raises(AssertionError):
        await _hold(behind, month)


@pytest.mark.parametrize("name", [*sorted(CHANGES), "America/Recife", "Africa/Casablanca"])
def test_offsets_are_those_of_each_quarter_hour(name: str) -> None:
    zone = ZoneInfo(name)
    for year in (2000, 2009, 2010, 2026):
        for number in range(1, 13):
            month = whole_month(datetime(year, number, 15, tzinfo=UTC), zone)
            quarters = (month[1] - month[0]) // QUARTER
            changes: list[tuple[str, int]] = []
            for at in (month[0] + n * QUARTER for n in range(quarters)):
                offset = (at.astimezone(zone).utcoffset() or timedelta()) // MINUTE
                if not changes or changes[-1][1] != offset:
                    changes.append((str((at - month[0]) // MINUTE), offset))
            assert offsets_within(month, zone) == dict(changes)


@pytest.mark.parametrize("zone_name", ["Asia/Kathmandu", "America/New_York"])
async def test_a_year_by_the_hour_is_one_pass(shop: Shop, zone_name: str) -> None:
    """Before anything is added up, from months, and from days where months are gone."""
    await seeded(150, 11, days=300)
    await in_zone(shop, zone_name)
    await _a_year(shop, zone_name)
    await roll_up(shop)
    assert await shop.database[MonthRollup.collection_name()].count_documents({}) >= 18
    await _a_year(shop, zone_name)
    await falsify_months(shop.database)
    await shop.api.container.figures.cache.answers.forget()
    with pytest.raises(AssertionError):
        await _a_year(shop, zone_name)
    await shop.database[FiguresState.collection_name()].update_many(
        {}, {"$set": {"monthsUntil": None}}
    )
    await shop.api.container.figures.cache.answers.forget()
    await _a_year(shop, zone_name)


async def _a_year(shop: Shop, zone_name: str) -> None:
    rows = await oracle.all_rows(shop.database, "default", "USD")
    params = {"timezone": zone_name, "days": 366, "currency": "USD"}
    peaks = (await asked(shop, "peak-times", **params))["peakTimes"]
    said = {one["hour"]: (one["transactionCount"], one["revenue"]) for one in peaks}
    by_hour = oracle.by(rows["payments"], lambda row: _hour(row, zone_name))
    assert said == {hour: _count_and_sum(by_hour.get(hour, [])) for hour in range(24)}
    analysis = (await asked(shop, "failures", **params))["analysis"]
    failed = {one["hour"]: one["count"] for one in analysis["failuresByHour"]}
    assert failed == {hour: oracle.statuses(by_hour.get(hour, []))["failed"] for hour in range(24)}
    assert analysis["totalFailed"] == sum(failed.values()) > 5


def _hour(payment: Row, zone_name: str) -> int:
    at: datetime = oracle.time_of("payments", payment)
    return at.astimezone(ZoneInfo(zone_name)).hour


def _count_and_sum(payments: list[Row]) -> tuple[int, int]:
    came = [row["amount"] for row in payments if row["status"] in {"succeeded", "refunded"}]
    return len(payments), sum(came)
