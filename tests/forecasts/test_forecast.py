"""The job forecasts each currency once a day from whole days; the route says what it made."""

import random
from contextlib import nullcontext
from datetime import date, timedelta
from typing import Any

import pytest

from service.core.errors import Unavailable
from service.forecasts.operations import making, reading
from service.forecasts.states import Expected, Fitted, Wanted
from service.jobs.operations.run import run_job
from tests.analytics import oracle
from tests.analytics.rows import one_sale
from tests.analytics.test_now import asked, roll_up
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.shop import Shop


async def _sold(shop: Shop, days: int) -> None:
    """Sell something in dollars on each of some days but every tenth, and in yen on a few."""
    for n in range(days):
        if n % 10 == 9:
            continue
        at = NOON - timedelta(days=n)
        amount = 1000 * (1 + at.weekday()) + n
        times: dict[str, Any] = dict.fromkeys(("createdAt", "statusAt", "firstAt"), at)
        await pay(f"pi_{n}", amount=amount, **times)
        if n % 7 == 0:
            await pay(f"yen_{n}", amount=500 + n, currency="JPY", **times)
    await roll_up(shop)


async def _run(shop: Shop, **more: Any) -> dict[str, Any]:
    return vars(await run_job("forecast", shop.api.container.job_table, CRON, **more))


async def test_each_currency_is_forecast_once_a_day(shop: Shop) -> None:
    await _sold(shop, 90)
    before = await asked(shop, "forecast", currency="USD")
    assert (before["asOf"], before["forecast"]) == (None, [])
    assert (await _run(shop, dry_run=True))["made"] == 2
    report = await _run(shop)
    assert (report["made"], report["refused"], report["unknown"]) == (2, 0, 0)
    assert (await _run(shop))["made"] == 0
    for currency in ("USD", "JPY"):
        answer = await asked(shop, "forecast", currency=currency)
        assert answer["method"].startswith("ETS(A,")
        assert answer["trainedOn"]["endDate"] == "2026-11-21"  # today is not over
        assert answer["trainedOn"]["days"] in range(80, 91)
        days = answer["forecast"]
        assert [one["date"] for one in days] == [
            str(date(2026, 11, 21) + timedelta(days=n)) for n in range(30)
        ]
        for one in days:
            assert isinstance(one["netRevenue"], int)
            assert one["low95"] <= one["low80"] <= one["netRevenue"] <= one["high80"]
    shop.pass_time(days=1)
    assert (await _run(shop))["made"] == 2
    assert (await asked(shop, "forecast", currency="USD"))["forecast"][0]["date"] == "2026-11-22"


async def test_what_can_not_be_fitted_takes_no_time_of_others_for_a_day(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may take a minute, as long as a run: each hour's would end where the one before did."""
    await _sold(shop, 90)
    asked_for: list[int] = []

    async def fit(wanted: Wanted) -> Fitted:
        asked_for.append(max(wanted.values))
        if max(wanted.values) < 1000:  # that in yen
            raise Unavailable("The process that forecasts did not answer in a minute.")
        return Fitted("by hand", [Expected(1, 1, 1, 1, 1)] * 30)

    monkeypatch.setattr(making, "fitter", lambda: nullcontext(fit))
    report = await _run(shop)
    assert (report["made"], report["refused"], report["unknown"]) == (1, 0, 1)
    assert len(asked_for) == 2
    await _run(shop)
    assert len(asked_for) == 2
    assert "tomorrow" in (await asked(shop, "forecast", currency="JPY"))["refused"]
    assert (await asked(shop, "forecast", currency="USD"))["method"] == "by hand"
    shop.pass_time(days=1)
    await _run(shop)
    assert len(asked_for) == 4


async def test_fewer_than_eight_weeks_are_refused(shop: Shop) -> None:
    await _sold(shop, 40)
    report = await _run(shop)
    assert (report["made"], report["refused"]) == (0, 2)
    answer = await asked(shop, "forecast", currency="USD")
    assert (answer["forecast"], answer["method"]) == ([], None)
    assert "56 are needed" in answer["refused"]
    assert answer["trainedOn"]["days"] < 40


async def test_what_it_is_made_of_is_net_of_what_went_back(shop: Shop) -> None:
    draw = random.Random(8)  # noqa: S311 - no secret
    for n in range(120):
        await one_sale(draw, f"s-{n}", NOON - timedelta(hours=18 * n))
    await roll_up(shop)
    merchant = await shop.api.container.merchants.of("default")
    history = await making.history_of(merchant, "USD", NOON)
    rows = await oracle.all_rows(shop.database, "default", "USD")
    assert history.since + timedelta(days=len(history.values)) == history.until == NOON.date()
    for n, value in enumerate(history.values):
        day = history.since + timedelta(days=n)
        expected = oracle.money(rows, lambda at, day=day: at.date() == day)
        assert value == expected["netRevenue"], day
    whole = oracle.money(rows, lambda at: at.date() < NOON.date())
    assert sum(history.values) == whole["netRevenue"]


async def test_where_nothing_forecasts_the_route_says_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _sold(shop, 5)
    for room in (making, reading):
        monkeypatch.setattr(room, "is_installed", lambda: False)
    assert (await _run(shop))["missing"] == 1
    refused = await asked(shop, "forecast", 409, currency="USD")
    assert refused["error"] == "forecast_not_installed"
    assert "pip install 'tillgate[forecast]'" in refused["detail"]
    await asked(shop, "forecast", 400, currency="CHF")
