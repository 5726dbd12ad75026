"""Whatever changes later: each correction is told once, and all of it adds up to what is so now."""

import json
import random
from datetime import datetime, timedelta

import pytest

from service.storage.database import Row
from tests.analytics.rows import change, one_sale, opened
from tests.analytics.test_now import roll_up
from tests.payments.history.rows import pay
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
from tests.support.shop import Shop

CURRENCIES = ("USD", "INR", "JPY")


async def _change_late(shop: Shop, draw: random.Random, sales: list[dict[str, Row]]) -> None:
    """Change what is old: payments fail, come late, are another merchant's, or are revised."""
    now = shop.clock.now()
    for sale in draw.sample(sales, 10):
        if "payments" not in sale:
            continue
        early = now - timedelta(days=draw.randrange(1, 200))
        fields = draw.choice(
            [
                {"status": "succeeded"},
                {"status": "failed"},
                {"amount": draw.randrange(1, 90_000)},
                {"firstAt": early},
                {"merchantId": "another"},
            ]
        )
        await change("payments", sale["payments"], **fields)
        if "merchantId" in fields:
            for name in ("refunds", "disputes"):
                if name in sale:
                    await change(name, sale[name], **fields)


async def _add_unread(draw: random.Random, sales: list[dict[str, Row]], shop: Shop) -> None:
    """Insert sales of old that no job has read yet."""
    now = shop.clock.now()
    for number in range(6):
        when = now - timedelta(days=draw.randrange(0, 220))
        sales.append(await one_sale(draw, f"late-{now:%y%m%d%H}-{number}", when))


async def test_all_reports_and_adjustments_add_up_to_what_is_so_now(shop: Shop) -> None:
    await _live_through(shop, 1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 22))
async def test_twenty_more_histories_add_up(shop: Shop, seed: int) -> None:
    """Soak: each takes seconds; one of them stays above."""
    await _live_through(shop, seed)


async def _live_through(shop: Shop, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    sales = await sold(shop, 40, 10 + seed, days=130)
    for year, month in ((2026, 12), (2027, 1), (2027, 2), (2027, 4)):
        await at(shop, moment(year, month, 5))
        await _change_late(shop, draw, sales)
        await keep_books(shop)
        # That a row is another merchant's by now is known once it is read.
        await roll_up(shop)
        await _add_unread(draw, sales, shop)
        await keep_books(shop)
        report = await close(shop)
        assert report["refused"] == 0
        assert report["closed"] >= len(CURRENCIES)
        for currency in CURRENCIES:
            ends = (await stored(shop, currency))[-1]["endsAt"]
            assert ends == moment(year, month, 1)
            assert await told(shop, currency) == await expected(shop, currency, ends)
    adjusted = [
        one
        for currency in CURRENCIES
        for row in await stored(shop, currency)
        for one in json.loads(row["content"])["adjustments"]
    ]
    assert len(adjusted) > 7


async def test_a_correction_is_told_once_with_its_month(shop: Shop) -> None:
    sales = await sold(shop, 40, 20, days=20)
    paid = [
        sale["payments"]
        for sale in sales
        if sale.get("payments", {}).get("status") == "succeeded"
        and sale["payments"]["currency"] == "USD"
        and "refunds" not in sale
    ]
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    await change("payments", paid[0], status="failed")
    await keep_books(shop)
    for year, month in ((2027, 1), (2027, 2)):
        await at(shop, moment(year, month, 4))
        await close(shop)
    [december] = (await monthly(shop, "2026-12"))["report"]["adjustments"]
    amount = paid[0]["amount"]
    assert december == dict.fromkeys(SUMS, 0) | {
        "month": "2026-11",
        "totalRevenue": -amount,
        "netRevenue": -amount,
        "successfulTransactions": -1,
        "failedTransactions": 1,
    }
    assert (await monthly(shop, "2027-01"))["report"]["adjustments"] == []


async def test_what_is_taken_back_before_the_next_report_is_no_correction(shop: Shop) -> None:
    sales = await sold(shop, 30, 21, days=20)
    paid = next(one["payments"] for one in sales if "payments" in one)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    await change("payments", paid, amount=paid["amount"] + 1)
    await roll_up(shop)
    await change("payments", paid, amount=paid["amount"])
    await keep_books(shop)
    await at(shop, moment(2027, 1, 4))
    await close(shop)
    answer = await monthly(shop, "2026-12", paid["currency"])
    assert answer["report"]["adjustments"] == []


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Niue", "America/New_York"])
async def test_what_turns_up_before_the_first_report_is_told_wherever_the_merchant_is_by_then(
    shop: Shop, zone: str
) -> None:
    """The first report began at four in the morning of UTC; the control stays in that zone."""
    fields = {"name": "Ada", "zone": "America/New_York"}
    await shop.admin("PUT", "/merchants/default", json=fields)
    await _pay(shop, "first", moment(2026, 11, 10), 1000)
    await at(shop, moment(2026, 12, 5))
    assert (await close(shop))["closed"] == 1
    await shop.admin("PUT", "/merchants/default", json=fields | {"zone": zone})
    await _pay(shop, "late", moment(2026, 10, 31, 20), 500)
    await at(shop, moment(2027, 1, 5))
    await close(shop)
    [_, december] = [json.loads(row["content"]) for row in await stored(shop)]
    assert [(one["month"], one["netRevenue"]) for one in december["adjustments"]] == [
        ("2026-10", 500)
    ]
    assert await told(shop, "USD") == await expected(shop, "USD", moment(2026, 12, 31))


async def _pay(shop: Shop, name: str, when: datetime, amount: int) -> None:
    """Insert a paid session, have it counted and posted."""
    said = {"sessionId": name, "amount": amount, "createdAt": when, "status": "succeeded"}
    await opened(name, when, status="completed", completedAt=when)
    await pay(f"pi_{name}", **said, currency="USD", statusAt=when, firstAt=when)
    await keep_books(shop)
    await roll_up(shop)
