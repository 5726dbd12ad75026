"""The week's summary: once for each week and address, in the merchant's own days."""

from datetime import UTC, date, datetime

import pytest

from service.merchants.documents import Merchant
from service.notifications.mail.operations.summary import week_told
from service.notifications.mail.operations.week import values_of
from tests.notifications.mail.mailing import PEOPLE, Mailing
from tests.notifications.mail.servers import addresses
from tests.support.api import JOBS


async def _run(mailing: Mailing, **body: bool) -> int:
    answer = await mailing.shop.api.call("POST", "/api/jobs/mail-summary", JOBS, json=body)
    assert answer.status_code == 200, answer.text
    count: int = answer.json()["summaries"]
    return count


async def test_a_week_is_told_once_to_each_of_the_merchants_people(mailing: Mailing) -> None:
    await mailing.born()
    await mailing.set_merchant()
    for n in range(3):
        await mailing.bought(userId=f"user_{n}")
    await mailing.settle()
    mailing.server.taken.clear()
    mailing.shop.pass_time(days=4)  # Saturday noon -> Wednesday
    assert await _run(mailing, dryRun=True) == 2
    assert [await _run(mailing) for _ in range(3)] == [2, 0, 0]
    await mailing.send()
    assert addresses(mailing.server.taken) == PEOPLE
    body = mailing.server.taken[0][1].get_body(("plain",))
    assert body is not None
    text = body.get_content().replace("\xa0", " ")
    assert "The week from 16 November 2026 to 22 November 2026" in text
    assert "EUR: paid: EUR 3,703.50 (3)" in text
    mailing.shop.pass_time(days=7)
    assert await _run(mailing) == 2


@pytest.mark.parametrize(
    ("zone", "at", "monday"),
    [
        ("UTC", datetime(2026, 11, 23, 7, 59, tzinfo=UTC), date(2026, 11, 9)),
        ("UTC", datetime(2026, 11, 23, 8, 0, tzinfo=UTC), date(2026, 11, 16)),
        ("Asia/Kolkata", datetime(2026, 11, 23, 2, 30, tzinfo=UTC), date(2026, 11, 16)),
        ("America/New_York", datetime(2026, 11, 23, 12, 59, tzinfo=UTC), date(2026, 11, 9)),
        ("UTC", datetime(2026, 11, 29, 23, 0, tzinfo=UTC), date(2026, 11, 16)),
    ],
)
def test_a_week_is_over_by_the_clock_of_the_merchant(zone: str, at: datetime, monday: date) -> None:
    assert week_told(zone, at) == monday


async def test_a_week_with_nothing_says_so(mailing: Mailing) -> None:
    now = mailing.shop.clock.now()
    merchant = Merchant.unnamed("default", now)
    values = await values_of(merchant, date(2026, 11, 16))
    assert values["rows"] == []
