"""Just now, and now against before: what a plain pass over all rows comes to."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.core.clock import ManualClock
from service.jobs.operations.run import run_job
from service.merchants.documents import Merchant
from tests.analytics import oracle
from tests.analytics.rows import one_sale, opened
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.api import ADMIN, SECRET
from tests.support.shop import Shop

BASE = "/api/v1/analytics"


async def asked(shop: Shop, route: str, status: int = 200, **params: Any) -> dict[str, Any]:
    """Ask for figures."""
    answer = await shop.api.call("GET", f"{BASE}/{route}", ADMIN, params=params)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def roll_up(shop: Shop) -> dict[str, Any]:
    """Run the job that reads what has changed and adds it up; no answer is kept afterwards."""
    report = vars(await run_job("figures", shop.api.container.job_table, CRON))
    await shop.api.container.figures.cache.answers.forget()
    return report


async def in_zone(shop: Shop, zone: str) -> None:
    """Let the merchant's days begin in a zone."""
    row = Merchant.unnamed("default", NOON).to_row() | {"zone": zone}
    await shop.database["merchants"].replace_one({"_id": "default"}, row, upsert=True)


async def seeded(count: int, seed: int, days: int = 70) -> None:
    """Insert sales at random, up to now."""

    async def sell(number: int) -> None:
        draw = random.Random(seed * count + number)  # noqa: S311 - no secret
        at = NOON - timedelta(seconds=draw.randrange(days * 86_400))
        await one_sale(draw, f"s-{number}", at, "another" if number % 9 == 0 else "default")

    await asyncio.gather(*map(sell, range(count)))


def _totals(found: dict[str, Any]) -> dict[str, int]:
    names = ("revenue", "refunded", "lost", "netRevenue")
    return {name: found[name] for name in (*names, "transactionCount", "failedCount")}


async def test_what_happens_now_is_one_pass_over_all_rows(shop: Shop) -> None:
    await seeded(120, 1, days=2)
    await _what_happens_now(shop)
    report = await roll_up(shop)
    assert report["facts"] > 120
    assert (await roll_up(shop))["facts"] == 0
    await _what_happens_now(shop)


async def _what_happens_now(shop: Shop) -> None:
    for zone, currency in (("UTC", "USD"), ("Asia/Kathmandu", "INR"), ("Asia/Kolkata", "JPY")):
        found = (await asked(shop, "realtime", timezone=zone, currency=currency))["metrics"]
        rows = await oracle.all_rows(shop.database, "default", currency)
        wall = NOON.astimezone(ZoneInfo(zone))
        for name, begins in (
            ("currentHour", wall.replace(minute=0)),
            ("today", wall.replace(hour=0, minute=0)),
        ):
            expected = oracle.money(rows, lambda at, begins=begins: begins <= at < NOON)
            assert _totals(found[name]) == _totals(expected), (zone, name)
        midnight = wall.replace(hour=0, minute=0)
        expected = oracle.money(rows, lambda at, begins=midnight: begins <= at < NOON)
        assert found["today"]["uniquePayers"] == expected["payers"]
        waiting = oracle.statuses(row for row in rows["sessions"] if row["expiresAt"] > NOON)
        assert found["live"]["pendingTransactions"] == waiting["pending"]
        assert (
            found["live"]["activeVerifications"] == oracle.statuses(rows["sessions"])["processing"]
        )


async def test_trends_compare_equal_parts(shop: Shop) -> None:
    await seeded(250, 2)
    await _trends(shop)
    await roll_up(shop)
    await _trends(shop)


async def _trends(shop: Shop) -> None:
    rows = await oracle.all_rows(shop.database, "default", "USD")
    now = NOON
    zone = ZoneInfo("America/New_York")
    wall = now.astimezone(zone)

    def at(day: date, same: bool) -> datetime:
        clock = wall.time() if same else datetime.min.time()
        return datetime.combine(day, clock, zone).astimezone(UTC)

    today = wall.date()
    week = today - timedelta(days=(today.weekday() + 1) % 7)
    parts = {
        "today": (today, today - timedelta(days=1), today - timedelta(days=1)),
        "week": (week, week - timedelta(days=7), today - timedelta(days=7)),
        "month": (date(2026, 11, 1), date(2026, 10, 1), date(2026, 10, today.day)),
    }
    for period, (begins, before, same) in parts.items():
        found = await asked(shop, f"trends/{period}", timezone=zone.key, currency="USD")
        current = oracle.money(rows, lambda when, b=begins: at(b, False) <= when < now)
        previous = oracle.money(
            rows, lambda when, b=before, s=same: at(b, False) <= when < at(s, True)
        )
        trends = found["trends"]
        assert trends["current"] == current["revenue"], period
        assert trends["revenue"]["previous"] == previous["revenue"], period
        assert trends["transactions"]["current"] == current["transactionCount"]
        assert trends["netRevenue"]["change"] == current["netRevenue"] - previous["netRevenue"]
        lines = trends["hourly"] or trends["daily"]
        assert sum(line["revenue"] for line in lines) == current["revenue"]
        assert len(lines) == {"today": 7, "week": 7, "month": 21}[period]
        if period == "week":
            _are_of_their_days(rows, lines, zone)
    board = (await asked(shop, "dashboard", timezone=zone.key, currency="USD"))["metrics"]
    weekly = await asked(shop, "trends/week", timezone=zone.key, currency="USD")
    assert board["revenue"]["thisWeek"] == weekly["trends"]["revenue"]
    assert board["successRate"]["thisWeek"] == weekly["trends"]["successRate"]


def _are_of_their_days(rows: oracle.Rows, lines: list[dict[str, Any]], zone: ZoneInfo) -> None:
    """Hold lines to be of their days, the last one until now."""
    for line in lines:
        day = date.fromisoformat(line["date"])
        expected = oracle.money(
            rows, lambda at, day=day: at < NOON and at.astimezone(zone).date() == day
        )
        assert _totals(line) == _totals(expected)
        assert line["uniquePayers"] == expected["payers"]


async def test_nothing_before_is_no_percentage(shop: Shop) -> None:
    await pay("pi_1", amount=500)
    shop.pass_time(minutes=1)
    found = (await asked(shop, "dashboard"))["metrics"]
    assert found["revenue"]["today"] == {
        "current": 500,
        "previous": 0,
        "change": 500,
        "changePercent": None,
        "direction": "up",
    }
    assert found["transactions"]["thisMonth"]["direction"] == "up"
    await pay("pi_2", amount=2000, after=-86_400)
    found = (await asked(shop, "dashboard"))["metrics"]
    assert found["revenue"]["today"]["changePercent"] == -75.0
    assert found["revenue"]["today"]["direction"] == "down"


async def test_a_payment_shows_at_once_also_where_the_answer_was_kept(shop: Shop) -> None:
    await opened("s-1", NOON)
    shop.pass_time(seconds=1)
    first = await asked(shop, "realtime")
    assert first["metrics"]["today"]["revenue"] == 0
    assert first["metrics"]["live"]["pendingTransactions"] == 1
    await pay("pi_1", amount=700, sessionId="s-1")
    found = await asked(shop, "realtime")
    assert found["metrics"]["today"]["revenue"] == 700
    assert found["metrics"]["currentHour"]["successRate"] == 100.0
    assert [one["amount"] for one in found["metrics"]["live"]["recentPayments"]] == [700]
    assert found["currency"] == "USD"
    assert found["success"] is True


async def test_the_latest_payments_say_what_they_were_made_for(shop: Shop) -> None:
    wanted = {
        "plan": {"plan": "gold", "eventId": "show"},
        "pass": {"passId": "vip", "eventId": "show"},
        "event": {"eventId": "show"},
        "unnamed": {},
        "gone": {"eventId": "show"},
    }
    for number, (name, fields) in enumerate(wanted.items()):
        await opened(name, NOON, **fields)
        await pay(f"pi_{name}", number, sessionId=name, planId=fields.get("plan"))
    await shop.database["sessions"].delete_one({"sessionId": "gone"})
    shop.pass_time(minutes=1)
    # The latest first; the control has no session, or one that was opened for nothing by name.
    expected = [None, None, "show", "vip", "gold"]
    found = (await asked(shop, "realtime"))["metrics"]["live"]["recentPayments"]
    assert [one["item"] for one in found] == expected
    found = (await asked(shop, "overview"))["overview"]["recentTransactions"]
    assert [one["item"] for one in found] == expected
    resources = (await asked(shop, "top-resources"))["resources"]
    assert {one["url"] for one in resources} == {"unknown", "show", "vip", "gold"}


async def test_what_is_kept_is_shown_again_and_tagged(shop: Shop, clock: ManualClock) -> None:
    await pay("pi_1")
    call = shop.api.call
    first = await call("GET", f"{BASE}/dashboard", ADMIN)
    shop.pass_time(minutes=4)
    again = await call("GET", f"{BASE}/dashboard", ADMIN)
    assert again.json() == first.json()
    assert again.headers["cache-control"] == "private, max-age=60"
    tag = {"If-None-Match": again.headers["etag"]}
    assert (await call("GET", f"{BASE}/dashboard", ADMIN, headers=tag)).status_code == 304
    shop.pass_time(minutes=2)
    later = await call("GET", f"{BASE}/dashboard", ADMIN, headers=tag)
    assert later.status_code == 200
    assert later.json()["asOf"] > first.json()["asOf"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "EUR"}, "currency"),
        ({"days": "1"}, "days"),
    ],
)
async def test_what_can_not_be_asked_is_told(shop: Shop, params: Any, field: str) -> None:
    await pay("pi_1")
    found = await asked(shop, "realtime", 400, **params)
    assert field in str(found)
    refused = await asked(shop, "trends/year", 400)
    assert (
        "period does not take the value year: take one of today, week, month" in refused["detail"]
    )


async def test_a_merchant_without_a_currency_is_shown_the_one_it_has(shop: Shop) -> None:
    """Unless it has something in the service's, or has set its own."""
    await pay("pi_1", currency="INR", amount=700)
    shop.pass_time(minutes=1)
    for _ in range(2):
        found = await asked(shop, "realtime")
        assert (found["currency"], found["metrics"]["today"]["revenue"]) == ("INR", 700)
        await roll_up(shop)
    await pay("pi_2", currency="USD", amount=5)
    assert (await asked(shop, "realtime"))["currency"] == "USD"
    await roll_up(shop)
    assert (await asked(shop, "realtime"))["currency"] == "USD"


async def test_only_admin_keys_read_figures(shop: Shop) -> None:
    answer = await shop.api.call("GET", f"{BASE}/realtime", SECRET)
    assert answer.status_code == 403
