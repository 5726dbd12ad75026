"""A week that is over is told once, at eight, with the numbers that its report has then."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest

from service.core.errors import Unavailable
from service.leases.errors import LeaseLost
from service.merchants.documents import Merchant
from service.reports.operations.weeks import week_told
from service.storage.documents import bound_client
from tests.analytics.test_now import asked, roll_up, seeded
from tests.reports.months import at, close, moment
from tests.storage.failing import failing
from tests.support.shop import Shop

_INTERRUPTED = 11601
_NAMES = {
    "revenue": "totalRevenue",
    "refunded": "refunded",
    "lost": "lost",
    "netRevenue": "netRevenue",
    "transactions": "totalTransactions",
    "successful": "successfulTransactions",
    "failed": "failedTransactions",
}


async def _sold(shop: Shop) -> None:
    await shop.admin("PUT", "/merchants/another", json={"name": "Another", "zone": "UTC"})
    await seeded(90, 6, days=14)
    await roll_up(shop)


async def _told(shop: Shop, merchant: str = "default") -> list[dict[str, Any]]:
    rows = await shop.messages("report.week_ended")
    return [row["payload"] for row in rows if row["merchantId"] == merchant]


@pytest.mark.parametrize(
    ("zone", "language", "at", "first"),
    [
        ("UTC", "de", datetime(2026, 11, 23, 7, 59, tzinfo=UTC), date(2026, 11, 9)),
        ("UTC", "de", datetime(2026, 11, 23, 8, 0, tzinfo=UTC), date(2026, 11, 16)),
        ("UTC", "en", datetime(2026, 11, 22, 7, 59, tzinfo=UTC), date(2026, 11, 8)),
        ("UTC", "en", datetime(2026, 11, 22, 8, 0, tzinfo=UTC), date(2026, 11, 15)),
        ("Asia/Kolkata", "de", datetime(2026, 11, 23, 2, 30, tzinfo=UTC), date(2026, 11, 16)),
        ("America/New_York", "de", datetime(2026, 11, 23, 12, 59, tzinfo=UTC), date(2026, 11, 9)),
        ("America/New_York", "en", datetime(2026, 11, 1, 12, 59, tzinfo=UTC), date(2026, 10, 18)),
        ("America/New_York", "en", datetime(2026, 11, 1, 13, 0, tzinfo=UTC), date(2026, 10, 25)),
        ("UTC", "de", datetime(2026, 11, 29, 23, 0, tzinfo=UTC), date(2026, 11, 16)),
    ],
)
def test_a_week_is_over_by_the_clock_of_the_merchant(
    zone: str, language: Any, at: datetime, first: date
) -> None:
    merchant = Merchant(
        id="a", name="A", zone=zone, language=language, created_at=at, updated_at=at
    )
    assert week_told(merchant, at) == first


async def test_a_week_is_told_once_with_what_its_report_says(shop: Shop) -> None:
    await _sold(shop)
    await at(shop, moment(2026, 11, 22, 8))
    assert (await close(shop, dry_run=True))["weeks"] == 2
    assert await _told(shop) == []
    assert [(await close(shop))["weeks"] for _ in range(2)] == [2, 0]
    [told] = await _told(shop)
    assert (told["week"], told["timezone"]) == ("2026-11-15", "UTC")
    assert [one["currency"] for one in told["currencies"]] == ["INR", "JPY", "USD"]
    for one in told["currencies"]:
        params = {"week": "2026-11-15", "currency": one["currency"]}
        report = (await asked(shop, "reports/weekly", **params))["report"]
        assert {name: one[name] for name in _NAMES} == {
            name: report["summary"][of] for name, of in _NAMES.items()
        }
        conversion = report["conversion"]
        assert (one["sessions"], one["completed"], one["conversionRate"]) == (
            conversion["total"],
            conversion["completed"],
            conversion["conversionRate"],
        )
    await at(shop, moment(2026, 11, 29, 7, 59))
    assert (await close(shop))["weeks"] == 0
    shop.pass_time(minutes=1)
    assert (await close(shop))["weeks"] == 2
    assert [one["currencies"] for one in await _told(shop)][1] == []


async def test_four_runs_at_once_tell_once(shop: Shop) -> None:
    await _sold(shop)
    await at(shop, moment(2026, 11, 22, 9))
    await asyncio.gather(*(close(shop) for _ in range(4)))
    await close(shop)
    assert len(await _told(shop)) == len(await _told(shop, "another")) == 1


async def test_a_run_that_is_stopped_at_any_write_tells_each_week_once(shop: Shop) -> None:
    await _sold(shop)
    await at(shop, moment(2026, 11, 22, 9))
    writes = ["insert", "update", "delete", "bulkWrite", "findAndModify", "commitTransaction"]
    stopped = 0
    for passed in range(8):
        try:
            async with failing(
                bound_client(), writes, errorCode=_INTERRUPTED, mode={"skip": passed}
            ):
                stopped += (await close(shop))["unknown"]
        except (Unavailable, LeaseLost):
            stopped += 1
        shop.pass_time(minutes=5)
        await shop.database["leases"].delete_many({})
    assert stopped > 2
    await close(shop)
    assert len(await _told(shop)) == len(await _told(shop, "another")) == 1
