"""Days and hours that have passed: what a plain pass over all rows comes to, in any zone."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.analytics.schemas.checkouts import time_to_complete
from service.storage.database import Row
from tests.analytics import oracle
from tests.analytics.behind import falsify_months
from tests.analytics.rows import opened
from tests.analytics.test_now import asked, in_zone, roll_up, seeded
from tests.conftest import NOON
from tests.payments.history.rows import fail, pay
from tests.support.shop import Shop


def _days(zone: ZoneInfo, days: int) -> datetime:
    first = NOON.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime.combine(first, datetime.min.time(), zone).astimezone(UTC)


def _paid(rows: oracle.Rows, since: datetime) -> list[Row]:
    return [row for row in rows["payments"] if since <= oracle.time_of("payments", row) < NOON]


async def test_days_and_hours_are_one_pass(shop: Shop) -> None:
    await seeded(250, 5, days=40)
    await _days_and_hours(shop, "Asia/Kolkata")
    await roll_up(shop)
    await _days_and_hours(shop, "Asia/Kolkata")
    await _days_and_hours(shop, "Europe/Berlin")


async def _days_and_hours(shop: Shop, zone_name: str) -> None:
    zone, since = ZoneInfo(zone_name), _days(ZoneInfo(zone_name), 30)
    rows = await oracle.all_rows(shop.database, "default", "USD")
    paid = _paid(rows, since)
    params = {"timezone": zone_name, "days": 30, "currency": "USD"}

    peaks = (await asked(shop, "peak-times", **params))["peakTimes"]
    hours = Counter(oracle.time_of("payments", row).astimezone(zone).hour for row in paid)
    assert {one["hour"]: one["transactionCount"] for one in peaks if one["transactionCount"]} == (
        hours
    )
    revenue = Counter[int]()
    for row in paid:
        if row["status"] == "succeeded":
            revenue[oracle.time_of("payments", row).astimezone(zone).hour] += row["amount"]
    assert {one["hour"]: one["revenue"] for one in peaks if one["revenue"]} == revenue
    order = [(-one["transactionCount"], -one["revenue"], one["hour"]) for one in peaks]
    assert order == sorted(order)
    assert len({*hours.values()}) < len(hours)  # some by their revenue

    rates = await asked(shop, "success-rate", **params)
    assert len(rates["successRate"]) == 30
    for line in rates["successRate"]:
        day = date.fromisoformat(line["date"])
        of_day = [
            row for row in paid if oracle.time_of("payments", row).astimezone(zone).date() == day
        ]
        statuses = oracle.statuses(of_day)
        assert (line["total"], line["successful"], line["failed"]) == (
            len(of_day),
            statuses["succeeded"],
            statuses["failed"],
        )
    await _countries_and_failures(shop, params, paid)


async def _countries_and_failures(shop: Shop, params: Any, paid: list[Row]) -> None:
    lines = (await asked(shop, "geography", **params))["geography"]
    came = [row for row in paid if row["status"] == "succeeded"]
    found = {one["country"]: (one["count"], one["revenue"]) for one in lines}
    by_country = oracle.by(came, lambda row: row["details"].get("country", "unknown"))
    assert found == {
        country: (len(of), sum(row["amount"] for row in of)) for country, of in by_country.items()
    }
    failed = [row for row in paid if row["status"] == "failed"]
    analysis = (await asked(shop, "failures", **params))["analysis"]
    assert analysis["totalFailed"] == len(failed)
    assert analysis["failureRate"] == round(100 * len(failed) / (len(failed) + len(came)), 2)
    reasons = Counter(row["failureCode"] or "unknown" for row in failed)
    assert {one["reason"]: one["count"] for one in analysis["commonReasons"]} == reasons
    assert sum(one["count"] for one in analysis["failuresByHour"]) == len(failed)


async def test_latency_is_within_one_percent(shop: Shop) -> None:
    await seeded(250, 6, days=6)
    await _latency_is_within_one_percent(shop)
    await roll_up(shop)
    await _latency_is_within_one_percent(shop)


async def _latency_is_within_one_percent(shop: Shop) -> None:
    rows = await oracle.all_rows(shop.database, "default", "USD")
    took = sorted(
        round((row["completedAt"] - row["createdAt"]).total_seconds() * 1000)
        for row in rows["sessions"]
        if row["completedAt"] is not None
    )
    found = await asked(shop, "latency", days=8, currency="USD")
    assert found["count"] == len(took) > 20
    assert found["latency"]["average"] == round(sum(took) / len(took))
    for name, share in (("median", 50), ("p95", 95), ("p99", 99)):
        exact = took[-(-len(took) * share // 100) - 1]
        assert abs(found["latency"][name] - exact) <= exact / 100


async def test_checkouts_are_one_pass(shop: Shop) -> None:
    await seeded(250, 7, days=20)
    await _checkouts_are_one_pass(shop)
    await roll_up(shop)
    await _checkouts_are_one_pass(shop)


async def _checkouts_are_one_pass(shop: Shop) -> None:
    rows = (await oracle.all_rows(shop.database, "default", "USD"))["sessions"]
    found = (await asked(shop, "checkouts", days=30, currency="USD"))["checkouts"]
    statuses = oracle.statuses(rows)
    assert found["conversion"] == {
        "total": len(rows),
        "completed": statuses["completed"],
        "conversionRate": round(100 * statuses["completed"] / len(rows), 2),
    }
    by_plan = oracle.by(rows, lambda row: row["plan"] or row["eventId"])
    assert {one["plan"]: one["total"] for one in found["abandonmentByPlan"]} == {
        plan: len(of) for plan, of in by_plan.items()
    }
    for one in found["abandonmentByPlan"]:
        of_plan = oracle.statuses(by_plan[one["plan"]])
        kept = of_plan["completed"] + of_plan["processing"]
        assert one["abandoned"] == one["total"] - kept
        assert one["pending"] == of_plan["pending"]
    since = _days(ZoneInfo("UTC"), 7)
    week = [row for row in rows if since <= row["createdAt"] < NOON]
    assert {one["status"]: one["count"] for one in found["byStatus"] if one["count"]} == (
        oracle.statuses(week)
    )
    assert [one["date"] for one in found["weekly"]] == [
        f"2026-11-{day}" for day in range(21, 14, -1)
    ]
    assert sum(one["totalSessions"] for one in found["weekly"]) == len(week)
    completed = [row for row in rows if row["completedAt"] is not None]
    took = [row["completedAt"] - row["createdAt"] for row in completed]
    average = sum(took, timedelta()) / len(took)
    assert abs(found["timeToComplete"]["averageMs"] - average.total_seconds() * 1000) < 1


def test_minutes_are_rounded_half_to_even() -> None:
    found = time_to_complete({"took:completed": 1, "tookMs:completed": 300})
    assert (found.average_ms, found.average_minutes) == (300, 0.0)
    assert round(300 / 60_000, 2) == 0.01  # the control: of the float, which is a little more
    assert time_to_complete({"took:completed": 1, "tookMs:completed": 900}).average_minutes == 0.02


async def test_who_tries_again_is_counted_once(shop: Shop) -> None:
    await opened("s-1", NOON, userId="ada", status="completed", completedAt=NOON)
    await opened("s-2", NOON, userId="ada", status="failed")
    await opened("s-3", NOON, userId="bob", status="failed")
    paid = await pay("pi_1", sessionId="s-1", userId="ada")
    await fail(paid, "ch_1", failureCode="card_declined")
    await roll_up(shop)
    shop.pass_time(minutes=1)
    lost = await pay("pi_2", sessionId="s-2", userId="ada", status="failed")
    await fail(lost, "ch_2")
    await fail(lost, "ch_3")
    alone = await pay("pi_3", sessionId="s-3", userId="bob", status="failed")
    await fail(alone, "ch_4")
    for _ in range(2):
        found = (await asked(shop, "checkouts"))["checkouts"]
        assert found["usersWhoRetry"] == 1
        retries = (await asked(shop, "failures"))["analysis"]["retryPatterns"]
        assert retries == {"averageRetries": 1.0, "successfulRetries": 1, "failedRetries": 1}
        await roll_up(shop)


@pytest.mark.parametrize("by", ["status", "currency"])
async def test_payments_of_a_year_are_counted_by_months(shop: Shop, by: str) -> None:
    """And are the same before anything is added up; in the control months say something else."""
    await seeded(120, 12, days=300)
    await in_zone(shop, "America/New_York")
    params = {"groupBy": by, "startDate": "2025-12-01"}

    async def count() -> Any:
        await shop.api.container.figures.cache.answers.forget()
        return (await asked(shop, "transactions", **params))["metrics"]

    before = await count()
    await roll_up(shop)
    assert await count() == before
    await falsify_months(shop.database)
    assert await count() != before


async def test_periods_are_one_pass(shop: Shop) -> None:
    await seeded(250, 8, days=70)
    await _periods_are_one_pass(shop)
    await roll_up(shop)
    await _periods_are_one_pass(shop)


async def _periods_are_one_pass(shop: Shop) -> None:
    rows = await oracle.all_rows(shop.database, "default", "USD")
    since = NOON - timedelta(days=30)
    money = oracle.money(rows, lambda at: since <= at < NOON)
    before = oracle.money(rows, lambda at: since - timedelta(days=30) <= at < since)
    overview = (await asked(shop, "overview", currency="USD"))["overview"]
    assert overview["revenue"]["total"] == money["revenue"]
    assert overview["revenue"]["net"] == money["netRevenue"]
    change = 100 * (money["revenue"] - before["revenue"]) / before["revenue"]
    assert abs(overview["revenue"]["growth"] - change) < 0.01
    assert overview["transactions"]["total"] == money["transactionCount"]
    assert overview["uniquePayers"] == money["payers"]
    assert len(overview["recentTransactions"]) == 5

    came = [row for row in _paid(rows, since) if row["status"] == "succeeded"]
    methods = await asked(shop, "payment-methods", currency="USD")
    assert {one["type"]: one["revenue"] for one in methods["paymentMethods"]} == {
        name: sum(row["amount"] for row in of)
        for name, of in oracle.by(came, lambda row: row["provider"]).items()
    }
    opened_for = {row["sessionId"]: row["plan"] or row["eventId"] for row in rows["sessions"]}
    resources = await asked(shop, "top-resources", currency="USD", limit=2)
    expected = Counter[str]()
    for row in came:
        expected[opened_for[row["sessionId"]]] += row["amount"]
    assert [(one["url"], one["revenue"]) for one in resources["resources"]] == (
        expected.most_common(2)
    )
    for interval in ("hour", "day", "week", "month"):
        revenue = await asked(shop, "revenue", currency="USD", interval=interval)
        assert revenue["revenue"]["total"] == money["revenue"]
    await _transactions_and_customers(shop, _paid(rows, since))


async def _transactions_and_customers(shop: Shop, paid: list[Row]) -> None:
    by_status = await asked(shop, "transactions", currency="USD", groupBy="status")
    assert {one["status"]: one["count"] for one in by_status["metrics"]["byStatus"]} == (
        oracle.statuses(paid)
    )
    currencies = await asked(shop, "transactions", groupBy="currency")
    assert [one["currency"] for one in currencies["metrics"]["byCurrency"]] == [
        "INR",
        "JPY",
        "USD",
    ]
    customers = (await asked(shop, "customers", currency="USD"))["customers"]
    came = [row for row in paid if row["status"] == "succeeded"]
    assert customers["total"] == len({row["userId"] for row in came})
    assert customers["new"] + customers["returning"] == customers["total"]
    assert len(customers["topCustomers"]) == 10


_PERIODS = "24h, 7d, 30d, 90d, 1y, all"
_A_DAY = "a day as 2026-11-22, or a moment with an offset as 2026-11-22T12:00:00Z"


@pytest.mark.parametrize(
    ("route", "params", "told"),
    [
        (
            "overview",
            {"period": "2y"},
            f"period does not take the value 2y: take one of {_PERIODS}",
        ),
        ("peak-times", {"days": 0}, "days must be at least 1"),
        ("peak-times", {"days": 18_250}, "days must be at most 366"),
        (
            "revenue",
            {"startDate": "2026-11-20", "endDate": "2026-11-10"},
            "startDate must be before endDate",
        ),
        ("revenue", {"startDate": "1976-01-01"}, "startDate must be between 2000 and 2200"),
        ("revenue", {"endDate": "2976-01-01T00:00:00Z"}, "endDate must be between 2000 and 2200"),
        (
            "revenue",
            {"startDate": "2023-01-01", "endDate": "2026-11-20"},
            "startDate must be at most 1098 days before endDate",
        ),
        ("revenue", {"startDate": "2026-13-01"}, f"startDate must be {_A_DAY}"),
        ("revenue", {"endDate": "yesterday"}, f"endDate must be {_A_DAY}"),
        ("revenue", {"startDate": "2026-11-20T12:00:00"}, f"startDate must be {_A_DAY}"),
        (
            "revenue",
            {"startDate": "2027-01-01", "endDate": "2027-01-02"},
            "startDate is yet to come",
        ),
        (
            "revenue",
            {"startDate": "2025-01-01", "interval": "hour"},
            "interval makes more than 2000 lines: take a longer one",
        ),
        (
            "transactions",
            {"groupBy": "colour"},
            "groupBy does not take the value colour: take one of status, currency",
        ),
        ("exports/transactions", {"format": "xml"}, "take one of csv, json"),
        ("top-resources", {"limit": 1000}, "limit must be at most 100"),
    ],
)
async def test_what_can_not_be_asked_is_told(
    shop: Shop, route: str, params: Any, told: str
) -> None:
    assert told in (await asked(shop, route, 400, **params))["detail"]


async def test_a_currency_without_rows_is_refused_where_it_is_named(shop: Shop) -> None:
    """The control: none is named, also of a merchant that has nothing."""
    routes: list[tuple[str, dict[str, str]]] = [
        *(("overview", {}), ("transactions", {"groupBy": "status"})),
        *(("checkouts", {}), ("transactions", {"groupBy": "currency"})),
    ]
    for name, known in (("pi_1", "nothing yet"), ("pi_2", "something in INR, USD")):
        for route, params in routes:
            await asked(shop, route, **params)
            refused = await asked(shop, route, 400, currency="CHF", **params)
            assert refused["error"] == "no_figures_in_currency"
            assert refused["detail"] == f"CHF has no rows: there is {known}."
        for currency in ("USD", "INR"):
            await pay(f"{name}-{currency}", currency=currency)
        shop.pass_time(minutes=1)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        ("Antarctica/Troll", date(2026, 10, 25), 26),
        ("Asia/Kathmandu", date(2026, 5, 5), 24),
    ],
)
async def test_days_of_any_length_have_what_was_paid_in_them(
    shop: Shop, zone: str, day: date, hours: float
) -> None:
    """The day's first and last second are its own, those beside it are not."""
    begins = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    ends = begins + timedelta(hours=hours)
    second = timedelta(seconds=1)
    for number, at in enumerate((begins - second, begins, ends - second, ends)):
        await pay(f"pi_{number}", firstAt=at, statusAt=at, createdAt=at, amount=10**number)
    await roll_up(shop)
    params = {"timezone": zone, "startDate": day.isoformat(), "endDate": day.isoformat()}
    found = await asked(shop, "revenue", **params)
    assert found["period"]["startDate"] == begins.strftime("%FT%TZ")
    assert found["period"]["endDate"] == ends.strftime("%FT%TZ")
    assert [one["revenue"] for one in found["revenue"]["data"]] == [110]
    by_hour = await asked(shop, "revenue", interval="hour", **params)
    lines = by_hour["revenue"]["data"]
    assert (lines[0]["revenue"], lines[-1]["revenue"]) == (10, 100)
    assert len(lines) in {int(hours), int(hours + 1)}
