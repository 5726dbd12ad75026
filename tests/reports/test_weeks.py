"""A week is one plain pass over its rows: whatever clocks do in it, whatever day it begins on."""

import csv
import io
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.analytics.operations.services import Shown
from service.merchants.operations.changing import find_merchant
from service.reports.operations.weeks import read_week
from service.reports.schemas.weekly import WeeklyReport, weekly_answer
from tests.analytics import oracle
from tests.analytics.rows import one_sale
from tests.analytics.test_now import asked, roll_up, seeded
from tests.conftest import NOON
from tests.support.api import ADMIN
from tests.support.shop import Shop

# The first day of a week, and what is odd about it in that zone.
WEEKS = {
    "Africa/Cairo": date(2026, 10, 24),  # from Saturday; a day of 25 hours, back at midnight
    "America/Los_Angeles": date(2026, 11, 1),  # from Sunday, which has 25 hours
    "America/Santiago": date(2026, 9, 6),  # from Sunday, which begins at 01:00
    "Australia/Lord_Howe": date(2026, 4, 4),  # from Saturday; a day of 24.5 hours
    "Europe/Berlin": date(2026, 3, 23),  # from Monday; ends with a day of 23 hours
    "Antarctica/Troll": date(2026, 3, 23),  # from Monday; ends with a day of 22 hours
    "Asia/Kathmandu": date(2026, 6, 7),  # +5:45
}
Inside = Callable[[datetime], bool]


def _within(zone: str, first: date) -> Inside:
    """Return whether a moment is on one of the seven days, by the calendar of a zone alone."""
    days = {first + timedelta(days=n) for n in range(7)}
    return lambda at: at.astimezone(ZoneInfo(zone)).date() in days


def _quarters(zone: str, first: date) -> list[datetime]:
    """Return all quarter-hours of a week, looked for one by one."""
    near = datetime.combine(first, time(), UTC) - timedelta(days=1)
    inside = _within(zone, first)
    return [one for n in range(9 * 96) if inside(one := near + n * timedelta(minutes=15))]


@pytest.mark.parametrize("zone", sorted(WEEKS))
async def test_a_week_of_any_zone_is_one_pass(shop: Shop, zone: str) -> None:
    first = WEEKS[zone]
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": zone})
    quarters = _quarters(zone, first)
    begins, ends = quarters[0], quarters[-1] + timedelta(minutes=15)
    draw = random.Random(zone)  # noqa: S311 - no secret
    edges = [begins, ends, begins - timedelta(seconds=1), ends - timedelta(seconds=1)]
    edges += [draw.choice(quarters) + timedelta(seconds=draw.randrange(900)) for _ in range(30)]
    edges += [begins - timedelta(hours=draw.randrange(1, 160)) for _ in range(10)]
    for number, when in enumerate(edges):
        await one_sale(draw, f"s-{number}", when)
    for _ in range(2):
        for currency in ("USD", "JPY"):
            found = await _read(shop, zone, currency, first)
            assert (found.period.start, found.period.end) == (begins, ends)
            await _is_one_pass(shop, found, zone, currency)
        await roll_up(shop)


async def _read(shop: Shop, zone: str, currency: str, first: date) -> WeeklyReport:
    merchant = await find_merchant("default", NOON)
    shown = Shown(merchant, zone, currency, is_named=False, as_of=shop.clock.now())
    return weekly_answer(shown, await read_week(shown, first)).report


async def _is_one_pass(shop: Shop, found: WeeklyReport, zone: str, currency: str) -> None:
    rows = await oracle.all_rows(shop.database, "default", currency)
    first, inside = found.period.week, _within(zone, found.period.week)
    opened = [row for row in rows["sessions"] if inside(row["createdAt"])]
    counts = oracle.statuses(opened)
    assert (found.conversion.total, found.conversion.completed) == (
        len(opened),
        counts["completed"],
    )
    expected = oracle.money(rows, inside)
    summary = found.summary
    assert (summary.total_revenue, summary.refunded, summary.lost, summary.net_revenue) == tuple(
        expected[name] for name in ("revenue", "refunded", "lost", "netRevenue")
    )
    assert (
        summary.total_transactions,
        summary.failed_transactions,
        summary.unique_payers,
    ) == tuple(expected[name] for name in ("transactionCount", "failedCount", "payers"))
    before = _within(zone, first - timedelta(days=7))
    assert found.conversion_before.total == len(
        [row for row in rows["sessions"] if before(row["createdAt"])]
    )
    days = oracle.by(opened, lambda row: row["createdAt"].astimezone(ZoneInfo(zone)).date())
    assert [one.date for one in found.daily_breakdown] == [
        first + timedelta(days=n) for n in range(7)
    ]
    for one in found.daily_breakdown:
        of_day = oracle.statuses(days.get(one.date, []))
        assert one.total_sessions == of_day.total()
        assert (one.completed, one.expired) == (of_day["completed"], of_day["expired"])
    assert sum(one.total for one in found.abandonment_by_plan) == len(opened)


@pytest.mark.parametrize(
    ("language", "day", "first", "before"),
    [
        ("en", None, "2026-11-15", 15),  # it is Saturday noon
        ("de", None, "2026-11-16", 16),
        ("en", "2026-11-22", None, 0),  # Sunday, and so the next week
        ("de", "2026-11-22", "2026-11-16", 16),
        ("en", "2026-11-14", "2026-11-08", 8),
        ("de", "2026-11-15", "2026-11-09", 9),
    ],
)
async def test_weeks_begin_as_the_language_has_it(
    shop: Shop, language: str, day: str | None, first: str | None, before: int
) -> None:
    fields = {"name": "Ada", "zone": "UTC", "language": language}
    await shop.admin("PUT", "/merchants/default", json=fields)
    await seeded(80, 3, days=20)
    params = {"currency": "USD"} | ({"week": day} if day else {})
    if first is None:
        assert "is yet to come" in str(await asked(shop, "reports/weekly", 400, **params))
        return
    report = (await asked(shop, "reports/weekly", **params))["report"]
    assert report["period"]["week"] == first
    rows = await oracle.all_rows(shop.database, "default", "USD")
    begins = datetime(2026, 11, before, tzinfo=UTC) - timedelta(days=7)
    ends = begins + timedelta(days=7)
    if ends + timedelta(days=7) > NOON:  # it is not over: compared with its equal part
        ends = NOON - timedelta(days=7)
    compared = [row for row in rows["sessions"] if begins <= row["createdAt"] < ends]
    assert report["conversionBefore"]["total"] == len(compared)
    assert report["change"]["previous"] == report["conversionBefore"]["conversionRate"]


@pytest.mark.parametrize(
    "week", ["2026-11-31", "2026-W47-1", "20261122", "1999-12-31", "2026-12-01", "zz", "2026-11"]
)
async def test_what_is_no_week_is_told(shop: Shop, week: str) -> None:
    assert "week" in str(await asked(shop, "reports/weekly", 400, week=week))


async def test_a_table_and_a_page_say_what_the_answer_says(shop: Shop) -> None:
    evil = "=HYPERLINK(\"http://x\")<script>alert('1')</script>"
    await seeded(60, 4, days=9)
    await shop.database["sessions"].update_many({"plan": "gold"}, {"$set": {"plan": evil}})
    report = (await asked(shop, "reports/weekly", currency="USD"))["report"]
    table, page = [
        await shop.api.call(
            "GET",
            "/api/v1/analytics/reports/weekly",
            ADMIN,
            params={"currency": "USD", "format": format_},
        )
        for format_ in ("csv", "html")
    ]
    assert 'filename="week-2026-11-15-USD.csv"' in table.headers["content-disposition"]
    said = _said(table.text)
    assert not [
        cell for row in csv.reader(io.StringIO(table.text)) for cell in row if cell[:1] == "="
    ]
    assert datetime.fromisoformat(said["Report", "", "asOf"]) == shop.clock.now()
    for section, name in (("Summary", "summary"), ("Conversion", "conversion")):
        for field, value in report[name].items():
            assert float(said[section, "", field]) == value
    for day in report["dailyBreakdown"]:
        assert int(said["Day", day["date"], "totalSessions"]) == day["totalSessions"]
    assert any(evil in of for _, of, _ in said)
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert f"{report['conversion']['conversionRate']} %" in page.text
    assert "script-src" not in page.headers["content-security-policy"]


def _said(text: str) -> dict[tuple[Any, ...], str]:
    return {(row[0], row[1], row[2]): row[3] for row in csv.reader(io.StringIO(text))}
