"""A month of a merchant: what a plain pass comes to, as JSON and as a page."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.analytics.documents import DayRollup
from service.storage.database import Row
from tests.analytics import oracle
from tests.analytics.test_now import BASE, asked, in_zone, roll_up, seeded
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.api import ADMIN
from tests.support.shop import Shop


def _is_of(row: Row, month: int) -> bool:
    at = oracle.time_of("payments", row).astimezone(ZoneInfo("Asia/Kolkata"))
    return at.month == month and at <= NOON


async def test_a_month_is_one_pass(shop: Shop) -> None:
    await seeded(200, 9, days=60)
    rows = await oracle.all_rows(shop.database, "default", "USD")
    for name, month, days in (("2026-10", 10, 31), ("2026-11", 11, 30)):
        params = {"month": name, "timezone": "Asia/Kolkata", "currency": "USD"}
        report = (await asked(shop, "reports/monthly", **params))["report"]
        paid = [row for row in rows["payments"] if _is_of(row, month)]
        came = [row for row in paid if row["status"] == "succeeded"]
        summary = report["summary"]
        assert summary["totalRevenue"] == sum(row["amount"] for row in came)
        assert summary["totalTransactions"] == len(paid)
        assert summary["uniquePayers"] == len({row["userId"] for row in came})
        assert len(report["dailyBreakdown"]) == days
        assert sum(one["revenue"] for one in report["dailyBreakdown"]) == summary["totalRevenue"]
        assert sum(one["count"] for one in report["paymentMethods"]) == len(came)
        assert report["closed"] is False


async def test_an_open_month_is_read_from_its_days(shop: Shop) -> None:
    """And is the same where there are none; in the control days say something else."""
    await seeded(150, 12, days=50)
    await in_zone(shop, "Asia/Kathmandu")
    await roll_up(shop)
    for month in ("2026-10", "2026-11"):
        found = await _report(shop, month)
        assert found["summary"]["totalTransactions"] > 10
        days = shop.database[DayRollup.collection_name()]
        kept = await days.find({}).to_list()
        await days.update_many({}, {"$inc": {"totals.payment": 1}})
        assert await _report(shop, month) != found
        await days.delete_many({})
        assert await _report(shop, month) == found
        await days.insert_many(kept)


async def _report(shop: Shop, month: str) -> dict[str, Any]:
    await shop.api.container.figures.cache.answers.forget()
    found: dict[str, Any] = (await asked(shop, "reports/monthly", month=month, currency="USD"))[
        "report"
    ]
    return found


async def test_the_page_is_escaped_and_loads_nothing(shop: Shop) -> None:
    await pay("pi_1", planId="<script>alert(1)</script>", amount=1999)
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada & <b>Co</b>", "zone": "UTC"})
    shop.pass_time(minutes=1)
    answer = await shop.api.call(
        "GET", f"{BASE}/reports/monthly", ADMIN, params={"month": "2026-11", "format": "html"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
    assert "Ada &amp; &lt;b&gt;Co" in answer.text
    assert "19.99 USD" in answer.text


@pytest.mark.parametrize("month", ["2026-13", "2026-12", "202611", "1999-01", "2026-1", "zz"])
async def test_what_is_no_month_is_told(shop: Shop, month: str) -> None:
    assert "month" in str(await asked(shop, "reports/monthly", 400, month=month))
