"""The pages of figures and of reports: what they say is what the routes answer, as text."""

import json
import re

from service.core.principal import AccessScope, Kind
from tests.analytics.test_now import asked, roll_up, seeded
from tests.dashboard.pressing import page, words
from tests.dashboard.signing_in import sign_in
from tests.payments.history.rows import pay
from tests.reports.months import at, close, moment, sold, stored
from tests.support.keys import issue_key
from tests.support.shop import Shop

FIGURES, REPORTS = "/dashboard/figures", "/dashboard/reports"


def _written(minor: int) -> str:
    return f"{minor / 100:.2f}"


async def test_the_page_says_in_words_what_the_routes_answer(shop: Shop) -> None:
    await seeded(120, 5, days=40)
    await roll_up(shop)
    await sign_in(shop.api.http)
    shown = await page(shop.api.http, FIGURES, currency="USD")
    assert "\N{NO-BREAK SPACE}%" in shown
    assert " %" not in shown  # no percent sign begins a line
    text = words(shown)
    metrics = (await asked(shop, "dashboard", currency="USD"))["metrics"]
    assert max(one["changePercent"] or 0 for one in metrics["revenue"].values()) > 0
    for period in ("today", "thisWeek", "thisMonth"):
        of = metrics["revenue"][period]
        said = f"{_written(of['current'])} USD, before {_written(of['previous'])} USD"
        if of["changePercent"] is not None:
            said += f" ({of['changePercent']:+g} %)"
        assert f"Revenue {said} Net revenue" in text, period
        share, paid = metrics["successRate"][period], metrics["transactions"][period]
        before = f"before {share['previous']:g} %" if paid["previous"] else "no payments before"
        now = f"{share['current']:g} %" if paid["current"] else "no payments yet"
        none = not paid["current"] and not paid["previous"]
        said = "no payments" if none else f"{now}, {before}"
        assert f"Success rate {said} Average payment" in text, period
    for one in (await asked(shop, "payment-methods", period="30d", currency="USD"))[
        "paymentMethods"
    ]:
        assert one["type"].title() in text.title()
    for one in (await asked(shop, "failures", currency="USD"))["analysis"]["commonReasons"]:
        assert f"{one['reason']} {one['count']} {one['percentage']:g} %" in text
    for step in (await asked(shop, "funnel", currency="USD"))["fromSessions"]:
        assert f"{step['count']} {step['ofFirst']:g} %" in text


async def test_a_chart_has_a_column_for_each_row_of_its_table(shop: Shop) -> None:
    await seeded(80, 7, days=29)
    await roll_up(shop)
    await sign_in(shop.api.http)
    text = await page(shop.api.http, FIGURES, currency="USD")
    chart = text[text.index('class="columns"') : text.index("as a table")]
    heights = [
        float(one)
        for one in re.findall(r'<rect x="\d+" y="[\d.]+" width="8" height="([\d.]+)"', chart)
    ]
    table = text[text.index("as a table") : text.index("By provider")]
    revenue = [
        float(one)
        for one in re.findall(r'<th scope="row">[\d-]+</th><td class="num right">([\d.]+)<', table)
    ]
    assert len(heights) == len(revenue) == 30
    assert max(heights) == 100.0
    for height, amount in zip(heights, revenue, strict=True):
        assert abs(height - 100 * amount / max(revenue)) <= 0.1
    assert "<script" not in text
    assert "style=" not in text


async def test_what_a_merchant_without_anything_reads_is_no_error(shop: Shop) -> None:
    await sign_in(shop.api.http)
    text = words(await page(shop.api.http, FIGURES))
    assert "0.00 USD, before 0.00 USD" in text
    assert text.count("Success rate no payments Average payment no payments") == 3
    assert "By provider in the last 30 days No payments." in text
    assert "None yet." in words(await page(shop.api.http, REPORTS))
    for path in (FIGURES, f"{REPORTS}/month", f"{REPORTS}/week"):
        answer = await shop.api.http.get(path, params={"currency": "CHF"})
        assert answer.status_code == 404
        assert "CHF has no rows: there is nothing yet." in words(answer.text)


async def test_a_share_or_an_average_of_no_payments_is_none_now_or_before(shop: Shop) -> None:
    """Yesterday somebody paid: nobody has today, and nobody had last week."""
    await pay("pi_1", after=-86_400, amount=500)
    shop.pass_time(minutes=1)
    await sign_in(shop.api.http)
    text = words(await page(shop.api.http, FIGURES, currency="USD"))
    for said in (
        "Success rate no payments yet, before 100 %",
        "Average payment no payments yet, before 5.00 USD",
        "Success rate 100 %, no payments before",
        "Average payment 5.00 USD, no payments before",
    ):
        assert said in text


async def test_reports_are_listed_with_their_state_hash_and_corrections(shop: Shop) -> None:
    await sold(shop, 60, 71, days=50)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    await sign_in(shop.api.http)
    text = await page(shop.api.http, REPORTS)
    read = words(text)
    for row in await stored(shop):
        assert row["hash"] in read
        revenue = json.loads(row["content"])["summary"]["totalRevenue"]
        assert f"Revenue {_written(revenue)} USD" in read
    assert "2026-12, USD open Closes 2027-01-04 00:00:00 UTC" in read
    month = f"{REPORTS}/month?month=2026-11&amp;currency=USD"
    assert f'href="{month}"' in text
    assert f'href="{month}&amp;format=csv"' in text
    asked_for = {"month": "2026-11", "currency": "USD"}
    shown = await page(shop.api.http, f"{REPORTS}/month", **asked_for)
    assert (await stored(shop))[-1]["hash"] in shown
    table = await shop.api.http.get(f"{REPORTS}/month", params=asked_for | {"format": "csv"})
    assert 'filename="report-2026-11-USD.csv"' in table.headers["content-disposition"]
    week = words(await page(shop.api.http, f"{REPORTS}/week", currency="USD"))
    assert "Weekly report" in week
    assert "This week The equal part of the week before" in week
    over = {"currency": "USD", "week": "2026-11-10"}
    assert "The week The week before" in words(await page(shop.api.http, f"{REPORTS}/week", **over))
    for wrong in ("month?month=2027-13", "month?month=2027-02", "week?week=nothing"):
        assert (await shop.api.http.get(f"{REPORTS}/{wrong}")).status_code == 404


async def test_a_month_that_was_altered_or_refused_says_so(shop: Shop) -> None:
    await sold(shop, 40, 72, days=15)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    wanted = {"_id": "default:USD:2026-11"}
    await shop.database["reports"].update_one(wanted, {"$set": {"content": "{}"}})
    await at(shop, moment(2027, 1, 4))
    await close(shop)
    await sign_in(shop.api.http)
    read = words(await page(shop.api.http, REPORTS))
    assert "2026-11, USD altered Wrong its content does not have its hash" in read
    assert "2026-12, USD can't be closed" in read
    assert "is not what was closed" in read
    answer = await shop.api.http.get(f"{REPORTS}/month", params={"month": "2026-11"})
    assert answer.status_code == 404
    assert "is not what was closed" in words(answer.text)


async def test_who_may_not_read_figures_sees_neither_page(shop: Shop) -> None:
    key = await issue_key(shop.clock, Kind.ADMIN, scopes=[AccessScope.TIMELINES_READ])
    await sign_in(shop.api.http, key.key)
    for path in (FIGURES, REPORTS, f"{REPORTS}/month", f"{REPORTS}/week"):
        assert (await shop.api.http.get(path)).status_code == 403
