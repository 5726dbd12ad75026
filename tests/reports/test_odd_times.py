"""Times that can not be, and rows that are older than the merchant, close no empty years."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from service.analytics.documents import Fact
from service.storage.database import Row
from tests.analytics.rows import opened
from tests.analytics.test_now import roll_up
from tests.payments.history.rows import fail, pay
from tests.reports.months import at, close, expected, keep_books, moment, stored, told
from tests.support.shop import Shop

_HEARD = moment(2026, 11, 10, 12)


async def _paid(said: datetime, amount: int = 700) -> Row:
    times = {"firstAt": said, "statusAt": said, "createdAt": _HEARD}
    return await pay(f"pi_{said:%Y%m%d%H}", **times, amount=amount, unposted=True)


@pytest.mark.parametrize(
    "said",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1999, 12, 31, 23, 59, tzinfo=UTC),
        datetime(2100, 1, 1, tzinfo=UTC),
        _HEARD + timedelta(days=1, minutes=1),
    ],
)
async def test_what_was_at_no_possible_time_counts_when_we_heard_of_it(
    shop: Shop, said: datetime
) -> None:
    paid = await _paid(said)
    await fail(paid, "ch_1", said, createdAt=_HEARD, madeAt=said)
    await keep_books(shop)
    await roll_up(shop)
    facts = await Fact.get_pymongo_collection().find({}).to_list()
    assert {row["kind"]: row["at"] for row in facts} == {"payment": _HEARD, "attempt": _HEARD}
    await at(shop, moment(2026, 12, 4))
    assert (await close(shop))["closed"] == 1
    [row] = await stored(shop)
    assert (row["month"], json.loads(row["content"])["summary"]["totalRevenue"]) == ("2026-11", 700)


@pytest.mark.parametrize("said", [moment(2024, 5, 3), _HEARD + timedelta(hours=23)])
async def test_what_was_at_a_possible_time_counts_then(shop: Shop, said: datetime) -> None:
    """The control."""
    await _paid(said)
    await roll_up(shop)
    assert [row["at"] async for row in Fact.get_pymongo_collection().find({})] == [said]


async def test_what_is_much_older_than_its_merchant_is_told_as_an_adjustment(shop: Shop) -> None:
    """It was 1,282 reports of two currencies: one for each month since 1970."""
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": "UTC"})
    await opened("s-old", datetime(1970, 1, 1, tzinfo=UTC))
    await _paid(moment(2009, 3, 2), amount=300)
    await _paid(moment(2026, 10, 2), amount=500)
    await keep_books(shop)
    await roll_up(shop)
    await at(shop, moment(2026, 12, 4))
    report = await close(shop)
    assert (report["closed"], report["refused"]) == (2, 0)
    first, second = (json.loads(row["content"]) for row in await stored(shop))
    assert [one["month"] for one in first["adjustments"]] == ["2009-03"]
    assert second["adjustments"] == []
    assert await told(shop, "USD") == await expected(shop, "USD", moment(2026, 12, 1))


async def test_what_is_as_old_as_three_years_has_a_report_of_its_own(shop: Shop) -> None:
    """The control."""
    await shop.admin("PUT", "/merchants/default", json={"name": "Ada", "zone": "UTC"})
    await _paid(moment(2024, 3, 2))
    await keep_books(shop)
    await roll_up(shop)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    months = [row["month"] for row in await stored(shop)]
    assert (months[0], len(months)) == ("2024-03", 33)
