"""A report as a table, as a page and in the list; who wrote its names does not matter."""

import csv
import io
import random
from datetime import timedelta

from tests.analytics.rows import one_sale
from tests.analytics.test_now import asked, roll_up
from tests.conftest import NOON
from tests.reports.months import at, close, keep_books, moment, monthly, sold
from tests.support.api import ADMIN
from tests.support.shop import Shop

EVIL = "=HYPERLINK(\"http://x\")<script>alert('1')</script>"
PATH = "/api/v1/analytics/reports/monthly"


async def _closed(shop: Shop) -> None:
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": "UTC"})
    await sold(shop, 15, 41, days=15)
    await shop.database["sessions"].update_many({}, {"$set": {"plan": EVIL}})
    await shop.database["figures_facts"].delete_many({})
    await shop.database["figures_state"].delete_many({})
    await roll_up(shop)
    await shop.database["merchants"].update_one({"_id": "default"}, {"$set": {"name": EVIL}})
    shop.api.container.merchants.forget("default")
    await at(shop, moment(2026, 12, 4))
    await close(shop)


async def test_a_table_says_what_the_report_says_and_has_no_formula(shop: Shop) -> None:
    await _closed(shop)
    params = {"month": "2026-11", "currency": "USD", "format": "csv"}
    answer = await shop.api.call("GET", PATH, ADMIN, params=params)
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="report-2026-11-USD.csv"' in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text)))
    report = await monthly(shop, "2026-11")
    said = {(row[0], row[1], row[2]): row[3] for row in rows}
    assert said["Report", "", "hash"] == report["hash"]
    assert said["Report", "", "asOf"] == said["Report", "", "closedAt"] == report["asOf"]
    for name, value in report["report"]["summary"].items():
        assert float(said["Summary", "", name]) == value
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@"))]
    assert any(EVIL in cell for row in rows for cell in row)


async def test_the_page_of_a_closed_month_is_escaped_and_names_its_hash(shop: Shop) -> None:
    await _closed(shop)
    params = {"month": "2026-11", "currency": "USD", "format": "html"}
    answer = await shop.api.call("GET", PATH, ADMIN, params=params)
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "Closed on 2026-12-04 00:00 UTC" in answer.text
    assert (await monthly(shop, "2026-11"))["hash"] in answer.text


async def test_closed_months_are_listed(shop: Shop) -> None:
    assert (await asked(shop, "reports"))["reports"] == []
    await sold(shop, 20, 42, days=70)
    draw = random.Random(7)  # noqa: S311 - no secret
    await one_sale(draw, "theirs", NOON - timedelta(days=40), "another")
    await keep_books(shop)
    await roll_up(shop)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    first = await asked(shop, "reports", limit=2)
    assert len(first["reports"]) == 2
    rest = await asked(shop, "reports", limit=100, cursor=first["nextCursor"])
    found = [(one["currency"], one["month"]) for one in first["reports"] + rest["reports"]]
    assert len(found) == len(set(found))
    wanted = {"merchantId": "default"}
    assert len(found) == await shop.database["reports"].count_documents(wanted)
    for one in first["reports"]:
        assert (await monthly(shop, one["month"], one["currency"]))["hash"] == one["hash"]
