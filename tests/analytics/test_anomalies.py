"""An hour that is unlike others is told of in a sentence, and an alert stands while it lasts."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.jobs.operations.run import run_job
from service.payments.payments.documents import Payment
from service.sessions.documents import Session
from service.storage.database import Row
from tests.analytics.test_now import asked, roll_up
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.notifications.alerts.watching import alerts, condition_of, run_alerts
from tests.support.shop import Shop

IST = "Asia/Kolkata"
WEEK = timedelta(weeks=1)
# Noon of UTC is 17:30 in India; the hour from 16:00 is the last that has ended.
ENDED = NOON - timedelta(minutes=90)
USUAL = (0.94, 0.93, 0.92, 0.91, 0.90, 0.89, 0.88, 0.87)
SENTENCE = (
    "Razorpay's success fell to 61 % at 16:00, usually 88 to 93 %; "
    "21 of 39 failures say `bank_timeout`."
)


async def _paid(at: datetime, count: int, failed: int, **fields: Any) -> None:
    """Insert payments of an hour, of which some failed; more than half of these by the bank."""
    rows = []
    for n in range(count):
        given: Row = {
            "merchantId": "default",
            "provider": "razorpay",
            "account": "default",
            "providerPaymentId": f"pay_{at.timestamp():.0f}_{n}",
            "userId": f"user-{n}",
            "amount": 100,
            "currency": "INR",
            "metadata": {},
            "status": "failed" if n < failed else "succeeded",
            "failureCode": None if n >= failed else "bank_timeout" if n % 13 < 7 else "declined",
        }
        times = dict.fromkeys(("createdAt", "updatedAt", "statusAt", "firstAt"), at)
        row = Payment.new_row(given | times | fields)
        row.pop("_id", None)
        rows.append(row)
    await Payment.get_pymongo_collection().insert_many(rows)


async def _opened(at: datetime, count: int, completed: int) -> None:
    rows = []
    for n in range(count):
        name = f"s-{at.timestamp():.0f}-{n}"
        ended = "completed" if n < completed else "expired"
        given: Row = {
            "sessionId": name,
            "merchantId": "default",
            "kind": "payment",
            "userId": name,
            "amount": 100,
            "currency": "INR",
            "provider": "razorpay",
            "account": "default",
            "clientSecretHash": name,
            "secretSalt": "salt",
            "createHash": "hash",
            "createdAt": at,
            "updatedAt": at,
            "expiresAt": at,
            "status": ended,
        }
        row = Session.new_row(given)
        row.pop("_id", None)
        rows.append(row)
    await Session.get_pymongo_collection().insert_many(rows)


async def _weeks(weeks: int = len(USUAL)) -> None:
    for n, rate in enumerate(USUAL[:weeks], 1):
        await _paid(ENDED - n * WEEK, 100, round(100 * (1 - rate)))


async def test_a_fall_is_told_in_a_sentence(shop: Shop) -> None:
    await _weeks()
    await _paid(ENDED, 100, 39)
    for _ in range(2):
        for days in (1, 7, 31):
            found = await asked(shop, "anomalies", timezone=IST, currency="INR", days=days)
            [line] = [one for one in found["anomalies"] if one["hour"].startswith("2026-11-21")]
            assert line["sentence"] == SENTENCE
            assert (line["metric"], line["provider"]) == ("success_rate", "razorpay")
            assert (line["value"], line["count"]) == (61.0, 100)
            assert line["low"] > 61.0
            assert (line["usualLow"], line["usualHigh"]) == (88.0, 93.0)
            assert line["reasons"] == [
                {"reason": "bank_timeout", "count": 21},
                {"reason": "declined", "count": 18},
            ]
        await roll_up(shop)


async def test_control_the_same_hour_is_usual_where_it_always_was_so(shop: Shop) -> None:
    for n in range(9):
        await _paid(ENDED - n * WEEK, 100, 39)
    found = await asked(shop, "anomalies", timezone=IST, currency="INR", days=1)
    assert found["anomalies"] == []


async def test_an_hour_that_goes_on_is_not_judged(shop: Shop) -> None:
    for n in range(1, 9):
        await _paid(NOON - timedelta(minutes=10) - n * WEEK, 100, 5)
    found = await asked(shop, "anomalies", timezone=IST, currency="INR", days=1)
    assert found["anomalies"] == []
    shop.pass_time(hours=1)
    [line] = (await asked(shop, "anomalies", timezone=IST, currency="INR", days=1))["anomalies"]
    assert line["sentence"] == "Razorpay's payments fell to 0 at 17:00, usually 100 to 100."


async def _alerted(shop: Shop) -> dict[str, str]:
    """Have the jobs look, and return the alerts that are open by their rules."""
    await roll_up(shop)
    await run_job("unusual", shop.api.container.job_table, CRON)
    rules = ("success_unusual", "volume_unusual", "abandonment_unusual")
    report = await run_alerts(shop, *(condition_of(shop, rule) for rule in rules))
    assert report.unknown == 0
    return {row["rule"]: row["what"] for row in await alerts(shop, status="open")}


async def test_an_alert_stands_while_the_last_hour_is_unlike_others(shop: Shop) -> None:
    at = NOON - timedelta(minutes=60)
    for n, rate in enumerate(USUAL, 1):
        await _paid(at - n * WEEK, 100, round(100 * (1 - rate)))
        await _paid(at - n * WEEK + timedelta(hours=1), 100, 9)
    await _paid(at, 100, 39)
    found = await _alerted(shop)
    assert [*found] == ["success_unusual"]
    assert found["success_unusual"].startswith("Razorpay's success fell to 61 % at 11:00, usually")
    assert found["success_unusual"].endswith(".")
    [alert] = await alerts(shop)
    assert (alert["merchantId"], alert["subject"]) == ("default", "razorpay INR")
    assert await _alerted(shop) == found  # looked at once, and it stands
    await _paid(NOON, 100, 9)
    shop.pass_time(hours=1)
    assert await _alerted(shop) == {}


async def test_abandonment_is_told_of_once_an_hour_is_ripe(shop: Shop) -> None:
    at = NOON - timedelta(hours=3)
    for n in range(1, 9):
        await _opened(at - n * WEEK, 60, 40)
    await _opened(at, 60, 5)
    [found] = [*(await _alerted(shop)).items()]
    assert found[0] == "abandonment_unusual"
    assert found[1].startswith("Abandonment rose to 92 % at 09:00, usually 33 to 33 %. ")
    shop.pass_time(hours=2)
    await _alerted(shop)
    shop.pass_time(minutes=16)
    assert await _alerted(shop) == {}


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"days": 32}, "days"),
        ({"days": 18_250}, "days"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"currency": "CHF"}, "CHF has no rows"),
    ],
)
async def test_what_can_not_be_compared_is_told(shop: Shop, params: Any, word: str) -> None:
    await _paid(ENDED, 1, 0)
    assert word in str(await asked(shop, "anomalies", 400, **params))
