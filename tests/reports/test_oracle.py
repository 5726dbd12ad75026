"""A closed month is one plain pass over its rows: odd zones, changed clocks, any money."""

import json
import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.analytics import oracle
from tests.analytics.rows import one_sale
from tests.analytics.test_now import roll_up
from tests.conftest import NOON
from tests.reports.months import SUMS, at, close, keep_books, moment, stored
from tests.support.shop import Shop

# The month, and what is odd about its days in that zone.
MONTHS = {
    "Australia/Lord_Howe": "2026-04",  # a day of 24.5 hours
    "America/Santiago": "2026-09",  # a day that begins at 01:00
    "Africa/Cairo": "2026-10",  # a day of 25 hours, whose clocks go back at midnight
    "Asia/Kathmandu": "2026-06",  # +5:45
    "Antarctica/Troll": "2026-03",  # a day of 22 hours
}


def _bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    """Return when a month begins and ends: its quarter-hours, looked for one by one."""
    there = ZoneInfo(zone)
    year, number = map(int, month.split("-"))
    near = datetime(year, number, 1, tzinfo=UTC) - timedelta(days=2)
    inside = [
        one
        for n in range(36 * 96)
        if (one := near + n * timedelta(minutes=15)).astimezone(there).strftime("%Y-%m") == month
    ]
    return inside[0], inside[-1] + timedelta(minutes=15)


@pytest.mark.parametrize("zone", sorted(MONTHS))
async def test_a_month_of_any_zone_is_one_pass(shop: Shop, zone: str) -> None:
    month = MONTHS[zone]
    begins, ends = _bounds(month, zone)
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": zone})
    draw = random.Random(zone)  # noqa: S311 - no secret
    edges = [begins, ends, begins - timedelta(minutes=1), ends - timedelta(minutes=1)]
    edges += [begins + timedelta(hours=draw.randrange(1, 700)) for _ in range(16)]
    for number, when in enumerate(edges):
        await one_sale(draw, f"s-{number}", when)
    for name in ("sessions", "payments", "refunds", "disputes", "payment_attempts"):
        wanted = {"currency": "INR"}
        await shop.database[name].update_many(wanted, {"$set": {"currency": "KWD"}})
    await keep_books(shop)
    await roll_up(shop)
    await at(shop, max(NOON, moment(2027, 1, 10)))
    assert (await close(shop))["refused"] == 0
    for currency in ("USD", "JPY", "KWD"):
        rows = await oracle.all_rows(shop.database, "default", currency)
        found = [one for one in await stored(shop, currency) if one["month"] == month]
        for one in found:
            assert (one["beginsAt"], one["endsAt"]) == (begins, ends)
            expected = oracle.money(rows, lambda moment: begins <= moment < ends)
            report = json.loads(one["content"])
            assert {name: report["summary"][name] for name in SUMS} == {
                name: expected[of] for name, of in SUMS.items()
            }
            assert report["summary"]["uniquePayers"] == expected["payers"]
            days = report["dailyBreakdown"]
            assert sum(day["revenue"] for day in days) == expected["revenue"]
            assert days[0]["date"] == f"{month}-01"
            assert len({day["date"] for day in days}) == len(days)
        assert found
