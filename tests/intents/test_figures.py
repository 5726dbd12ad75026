"""The figures of leads: what was asked for, when, from where, and what became of it."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.intents.operations import analytics
from service.intents.operations.agents import agent_of
from service.intents.operations.trends import trends_of
from service.intents.repository import QuarterSum
from service.intents.states import Period, days_before
from tests.intents.leaving import CHROME, PATH, get, leave
from tests.support.api import ADMIN, JOBS
from tests.support.shop import Shop


async def _zone(shop: Shop, zone: str) -> None:
    body = {"name": "Shop", "zone": zone}
    await shop.api.call("PUT", "/api/admin/merchants/default", ADMIN, json=body)


async def test_the_funnel_leads_from_a_lead_to_what_was_paid(shop: Shop) -> None:
    leads = [(await leave(shop.api, planName="a"))["paymentIntentId"] for _ in range(4)]
    leads.append((await leave(shop.api, planName="b"))["paymentIntentId"])
    for number, lead in enumerate(leads[:3]):
        await shop.api.open(sessionId=f"s-{number}", intentId=lead)
    # Two sessions of one lead, of which one is paid, are one step each.
    again = await shop.api.open(sessionId="again", intentId=leads[0])
    await shop.api.deliver(shop.stripe_paid(again))
    opened = {"sessionId": "s-1"}
    sessions = shop.database["sessions"]
    await sessions.update_one(opened, {"$set": {"attempts": 1}})
    await sessions.delete_one({"sessionId": "s-2"})  # purged since
    found = (await get(shop.api, "analytics"))["businessIntelligence"]
    steps = {"intents": 5, "sessions": 3, "attempted": 2, "paid": 1, "conversionRate": 0.2}
    assert found["funnel"] == steps
    of_plans = {one["planName"]: one["funnel"] for one in found["plans"]}
    assert of_plans["a"] == steps | {"intents": 4, "conversionRate": 0.25}
    assert of_plans["b"] | {"conversionRate": None} == dict.fromkeys(steps, 0) | {
        "intents": 1,
        "conversionRate": None,
    }


async def test_amounts_are_those_of_one_currency_and_nobodys_revenue(shop: Shop) -> None:
    for amount in ("1", "2.5", "0"):
        await leave(shop.api, amount=amount)
    body = {"name": "Shop", "zone": "UTC", "defaultCurrency": "JPY"}
    await shop.api.call("PUT", "/api/admin/merchants/default", ADMIN, json=body)
    await leave(shop.api, amount=500)
    own = (await get(shop.api, "analytics"))["basicStats"]
    assert (own["currency"], own["currencies"]) == ("JPY", ["JPY", "USD"])
    assert (own["askedFor"], own["askedForMajor"], own["priced"]) == (500, "500", 1)
    assert own["totalIntents"] == 4
    other = await get(shop.api, "analytics", currency="USD")
    assert other["basicStats"]["askedFor"] == 350
    assert other["basicStats"]["averageAmount"] == 117
    assert sum(one["count"] for one in other["distribution"]) == 3
    assert other["distribution"][0]["least"] == 0
    assert await shop.database["payments"].count_documents({}) == 0
    assert await shop.database["entries"].count_documents({}) == 0


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Chatham"])
def test_trends_are_a_plain_fold_in_any_zone(zone: str) -> None:
    """Over both changes of the clocks of a year."""
    drawn = random.Random(zone)  # noqa: S311 - a draw of a test
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    moments = [since + timedelta(minutes=15 * drawn.randrange(4 * 24 * 365)) for _ in range(3000)]
    counts = Counter(moments)
    quarters = [QuarterSum(at, "USD", n, 100 * n) for at, n in counts.items()]
    found = trends_of(quarters, "USD", Period(since, until, zone))
    there = ZoneInfo(zone)
    by_day = Counter(at.astimezone(there).date().isoformat() for at in moments)
    by_hour = Counter(f"{at.astimezone(there).hour:02}" for at in moments)
    by_month = Counter(at.astimezone(there).date().isoformat()[:7] for at in moments)
    assert {one.name: one.count for one in found.daily if one.count} == by_day
    assert {one.name: one.count for one in found.hourly if one.count} == by_hour
    assert {one.name: one.count for one in found.monthly if one.count} == by_month
    for trend in (found.daily, found.hourly, found.weekly, found.monthly):
        assert sum(one.count for one in trend) == 3000
        assert sum(one.amount for one in trend) == 300_000
        names = [one.name for one in trend]
        assert names == sorted(set(names)) or trend is found.weekly
    assert [one.name for one in found.hourly] == [f"{hour:02}" for hour in range(24)]
    assert len(found.daily) in {365, 366}


def test_days_back_begin_at_midnight_on_a_day_of_25_hours() -> None:
    noon = datetime(2026, 10, 25, 12, tzinfo=UTC)
    assert days_before(noon, 1, "Europe/Berlin") == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert days_before(noon, 2, "Europe/Berlin") == datetime(2026, 10, 23, 22, tzinfo=UTC)
    after = datetime(2026, 10, 26, 12, tzinfo=UTC)
    assert days_before(after, 1, "Europe/Berlin") == datetime(2026, 10, 25, 23, tzinfo=UTC)


async def test_figures_name_the_days_of_the_merchants_zone(shop: Shop) -> None:
    await _zone(shop, "Asia/Kolkata")
    shop.pass_time(hours=6, minutes=45)  # 00:15 of the next day
    await leave(shop.api)
    found = await get(shop.api, "analytics", daysBack=2)
    times = found["timeAnalysis"]
    assert found["period"]["startDate"] == "2026-11-20T18:30:00Z"
    assert [(one["name"], one["count"]) for one in times["daily"]] == [
        ("2026-11-21", 0),
        ("2026-11-22", 1),
    ]
    assert [one["name"] for one in times["weekly"] if one["count"]] == ["2026-W47"]
    assert times["hourly"][0]["count"] == 1


async def test_a_job_says_what_leads_came_from(shop: Shop) -> None:
    for agent in (CHROME, CHROME, "curl/8.5.0", "\U0001f600" * 100):
        await leave(shop.api, userAgent=agent)
    before = (await get(shop.api, "analytics"))["userAnalysis"]
    assert (before["unparsed"], before["userAgents"]["browser"]) == (4, {})
    ran = await shop.api.call("POST", "/api/jobs/intents-agents", JOBS)
    assert ran.json()["parsed"] == 4
    again = await shop.api.call("POST", "/api/jobs/intents-agents", JOBS)
    assert again.json()["parsed"] == 0
    after = (await get(shop.api, "analytics"))["userAnalysis"]
    assert after["userAgents"]["browser"] == {"Chrome": 2, "curl": 1}
    assert after["userAgents"]["os"] == {"Windows": 2}
    listed = (await get(shop.api, "query"))["intents"]
    assert {(one["agent"] or {}).get("browser") for one in listed} == {"Chrome", "curl", None}


def test_odd_user_agents_are_read_as_nothing() -> None:
    for text in ("", "(" * 512, "Mozilla/5.0 " + "a;" * 250, "\x00", "=" * 512):
        found = agent_of(text)
        assert found.browser is None or len(found.browser) < 100


async def test_journeys_are_counted_by_their_leads(shop: Shop) -> None:
    for count in (1, 3, 12):
        for _ in range(count):
            await leave(shop.api, sessionId=f"j-{count}")
    found = (await get(shop.api, "analytics"))["userAnalysis"]["sessions"]
    assert found == [
        {"leads": 1, "count": 1},
        {"leads": 3, "count": 1},
        {"leads": 10, "count": 1},
    ]


async def test_more_than_one_answer_adds_up_is_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await leave(shop.api)
    monkeypatch.setattr(analytics, "LARGEST", 2)
    for path in ("analytics", "query?includeStats=true"):
        answer = await shop.api.call("GET", f"{PATH}/{path}", ADMIN)
        assert (answer.status_code, answer.json()["error"]) == (400, "too_much")
    monkeypatch.setattr(analytics, "LARGEST", 3)
    assert (await shop.api.call("GET", f"{PATH}/analytics", ADMIN)).status_code == 200
    long: Any = await shop.api.call("GET", f"{PATH}/analytics?daysBack=500", ADMIN)
    assert long.json()["error"] == "too_much"
