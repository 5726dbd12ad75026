"""A merchant whose sums are beyond 64 bits stops nobody else's figures and reports, nor its own."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from service.analytics.documents import DirtyBucket, Rollup, TrackedEvent
from service.core.money import LARGEST_AMOUNT
from service.merchants.documents import Merchant
from service.storage.database import Row
from tests.analytics.behind import LAST
from tests.analytics.rows import left, one_sale
from tests.analytics.test_now import asked, roll_up
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.reports.months import at, close, keep_books, moment, stored
from tests.support.api import ADMIN
from tests.support.shop import Shop

ENOUGH = 2_100
"""So many of the largest amounts are more than 64 bits hold, with a sign and without."""


async def _copies(shop: Shop, collection: str, row: Row, fresh: Callable[[int], Row]) -> None:
    rows = [row | {"_id": ObjectId()} | fresh(n) for n in range(ENOUGH)]
    await shop.database[collection].insert_many(rows)


async def _paid(shop: Shop, hours: int = 1) -> None:
    one = await pay("pi_0", amount=LARGEST_AMOUNT, currency="USD", status="succeeded", firstAt=NOON)

    def fresh(n: int) -> Row:
        at = NOON - timedelta(hours=n % hours)
        return {"providerPaymentId": f"pi_{n + 1}", "firstAt": at}

    await _copies(shop, "payments", one, fresh)


async def _tracked(shop: Shop) -> None:
    given = {"_id": "ev", "merchantId": "default", "type": "payment", "currency": "USD"}
    row = TrackedEvent.new_row(given | {"at": NOON, "amount": LARGEST_AMOUNT, "purgeAt": LAST})
    await _copies(shop, TrackedEvent.collection_name(), row, lambda n: {"_id": f"ev-{n}"})


@pytest.mark.parametrize("sell", [_paid, _tracked], ids=["payments", "tracked events"])
async def test_the_job_goes_on_with_other_merchants(shop: Shop, sell: Any) -> None:
    """The control: what can't be kept stays marked, and is added up for answers."""
    await sell(shop)
    await one_sale(random.Random(2), "s-other", NOON, merchant="zoe")  # noqa: S311 - no secret
    shop.pass_time(hours=1)
    await roll_up(shop)
    rows = shop.database[Rollup.collection_name()]
    assert await rows.count_documents({"merchantId": "zoe"}) > 0
    assert await rows.count_documents({"merchantId": "default"}) == 0
    marks = await shop.database[DirtyBucket.collection_name()].find({}).to_list()
    assert {row["merchantId"] for row in marks} == {"default"}
    if sell is _tracked:
        [one] = (await asked(shop, "events", days=3))["events"]
        assert one["count"] == ENOUGH
        assert one["amount"] == pytest.approx(ENOUGH * LARGEST_AMOUNT)
        return
    revenue = (await asked(shop, "overview", period="7d"))["overview"]["revenue"]["total"]
    assert revenue == (ENOUGH + 1) * LARGEST_AMOUNT
    for path in ("/api/v1/analytics/customers", "/api/payment/admin/analytics"):
        assert (await shop.api.call("GET", path, ADMIN)).status_code == 200


async def test_reports_of_other_merchants_are_closed(shop: Shop) -> None:
    """Each day can be kept, the month can't be told."""
    await _paid(shop, hours=96)
    await shop.database["merchants"].insert_one(Merchant.unnamed("zoe", NOON).to_row())
    draw = random.Random(3)  # noqa: S311 - no secret
    for n in range(6):
        await one_sale(draw, f"s-{n}", NOON, merchant="zoe")
    await keep_books(shop)
    await roll_up(shop)
    await at(shop, moment(2026, 12, 5))
    report = await close(shop)
    assert report["unknown"] > 0
    assert report["closed"] == await shop.database["reports"].count_documents({"merchantId": "zoe"})
    assert report["closed"] > 0
    assert await stored(shop) == []


async def test_what_browsers_ask_for_is_not_added_up(shop: Shop) -> None:
    """So a browser that leaves leads of any amount stops no figures."""
    one = await left("lead", NOON, amountMinor=LARGEST_AMOUNT)
    await _copies(shop, "payment_intents", one, lambda n: {"_id": f"lead-{n}"})
    await roll_up(shop)
    [row] = await shop.database[Rollup.collection_name()].find({}).to_list()
    assert row["totals"] == {"lead": ENOUGH + 1, "lead:left": ENOUGH + 1}
    answer = await shop.api.call("GET", "/api/payment-intent/analytics", ADMIN)
    assert answer.status_code == 200
