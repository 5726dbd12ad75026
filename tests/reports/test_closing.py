"""A month is closed once, three days after its end, and says the same for ever."""

import asyncio
import json
from hashlib import sha256
from itertools import pairwise

from tests.analytics.rows import change
from tests.analytics.test_now import roll_up
from tests.reports.months import (
    SUMS,
    at,
    close,
    expected,
    keep_books,
    moment,
    monthly,
    sold,
    stored,
    told,
)
from tests.support.api import ADMIN
from tests.support.shop import Shop


async def test_a_month_closes_three_days_after_its_end_in_the_zone(shop: Shop) -> None:
    fields = {"name": "Ada", "zone": "Asia/Kolkata"}
    await shop.admin("PUT", "/merchants/default", json=fields)
    await sold(shop, 40, 1, days=15)
    await at(shop, moment(2026, 12, 3, 18, 29))
    assert (await close(shop, dry_run=True))["due"] == 0
    assert (await close(shop))["closed"] == 0
    answer = await monthly(shop, "2026-11")
    assert answer["hash"] is None
    assert answer["report"]["closed"] is False
    await at(shop, moment(2026, 12, 3, 18, 30))
    assert (await close(shop, dry_run=True))["due"] == 3
    assert await stored(shop) == []
    assert (await close(shop))["closed"] == 3
    answer = await monthly(shop, "2026-11")
    assert answer["report"]["closed"] is True
    assert answer["report"]["closedAt"] == "2026-12-03T18:30:00Z"
    assert answer["report"]["period"]["end"] == "2026-11-30T18:30:00Z"
    assert (await close(shop))["closed"] == 0


async def test_its_hash_is_that_of_the_report_as_anybody_writes_it(shop: Shop) -> None:
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": "UTC"})
    odd = "Ünï \u2028 <b>'\"\\ 😀\x7f"
    await shop.database["merchants"].update_one({"_id": "default"}, {"$set": {"name": odd}})
    await sold(shop, 30, 2, days=15)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    answer = await monthly(shop, "2026-11")
    written = json.dumps(
        answer["report"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert sha256(written.encode()).hexdigest() == answer["hash"]
    entries = await shop.database["audit_log"].find({"action": "report.closed"}).to_list()
    assert answer["hash"] in {one["detail"]["hash"] for one in entries}
    assert {one["merchantId"] for one in entries} == {"default"}
    messages = await shop.messages("report.closed")
    assert answer["hash"] in {one["payload"]["hash"] for one in messages}
    assert len(messages) == len(entries) == 3


async def test_what_is_closed_stays_whatever_changes_later(shop: Shop) -> None:
    sales = await sold(shop, 40, 3, days=15)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    path = "/api/v1/analytics/reports/monthly"
    params = {"month": "2026-11", "currency": "USD"}
    before = await shop.api.call("GET", path, ADMIN, params=params)
    for sale in sales:
        if "payments" in sale:
            await change("payments", sale["payments"], amount=1, status="failed")
    fields = {"name": "Another", "zone": "Asia/Tokyo", "defaultCurrency": "EUR"}
    await shop.admin("PUT", "/merchants/default", json=fields)
    await keep_books(shop)
    await roll_up(shop)
    after = await shop.api.call("GET", path, ADMIN, params=params)
    assert after.content == before.content
    tag = {"If-None-Match": after.headers["etag"]}
    again = await shop.api.call("GET", path, ADMIN, params=params, headers=tag)
    assert again.status_code == 304
    live = await monthly(shop, "2026-11", timezone="Asia/Tokyo")
    assert live["report"]["closed"] is False
    assert live["report"]["summary"]["successfulTransactions"] == 0


async def test_a_job_that_was_off_closes_all_in_order(shop: Shop) -> None:
    await sold(shop, 60, 4, days=200)
    await at(shop, moment(2026, 12, 4))
    report = await close(shop)
    months = [row["month"] for row in await stored(shop)]
    assert months[-1] == "2026-11"
    assert len(months) >= 6
    assert months == sorted(months)
    assert report["closed"] == await shop.database["reports"].count_documents({})
    rows = await stored(shop)
    for one, following in pairwise(rows):
        assert one["endsAt"] == following["beginsAt"]
        assert json.loads(following["content"])["adjustments"] == []
    for currency in ("USD", "INR", "JPY"):
        assert await told(shop, currency) == await expected(shop, currency, moment(2026, 12, 1))


async def test_a_merchant_that_moves_to_another_zone_has_no_gap(shop: Shop) -> None:
    await sold(shop, 40, 5, days=60)
    await at(shop, moment(2026, 11, 4))
    await close(shop)
    moves = {"Pacific/Kiritimati": moment(2026, 12, 5), "Pacific/Niue": moment(2027, 1, 5)}
    for zone, after in moves.items():
        await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": zone})
        await at(shop, after)
        await close(shop)
    rows = await stored(shop)
    assert len({row["timezone"] for row in rows}) == 3
    for one, following in pairwise(rows):
        assert one["endsAt"] == following["beginsAt"]
    assert await told(shop, "USD") == await expected(shop, "USD", rows[-1]["endsAt"])


async def test_two_runs_at_once_close_each_month_once(shop: Shop) -> None:
    await sold(shop, 30, 6, days=70)
    await at(shop, moment(2026, 12, 4))
    await asyncio.gather(*(close(shop) for _ in range(4)))
    await close(shop)
    rows = await shop.database["reports"].find({}).to_list()
    entries = await shop.database["audit_log"].find({"action": "report.closed"}).to_list()
    assert len(rows) == len(entries) == len(await shop.messages("report.closed"))
    assert {one["detail"]["hash"] for one in entries} == {one["hash"] for one in rows}
    assert set(SUMS) <= set(json.loads(rows[0]["content"])["summary"])
