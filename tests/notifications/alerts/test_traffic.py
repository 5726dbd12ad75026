"""What all processes count by the minute: answers that fail, providers that fall silent, a slow
database."""

from datetime import timedelta

import pytest

from service.core.errors import Unavailable
from service.core.measures import REQUESTS, webhook_counts
from service.notifications.alerts import repository
from service.notifications.alerts.operations.traffic import Meter
from service.notifications.alerts.repository import Traffic
from service.storage.answering import answers_in_time
from service.storage.database import Client
from tests.notifications.alerts.test_conditions import gone, stands
from tests.notifications.alerts.watching import alerts
from tests.storage.failing import failing, stalling
from tests.support.shop import Shop

# What a server says that can't answer in time; the driver asks no second time.
_AWAY = {"errorCode": 50, "mode": "alwaysOn"}


async def _counted(shop: Shop) -> Traffic:
    now = shop.clock.now()
    return await repository.traffic_between(now - timedelta(days=9), now + timedelta(minutes=1))


async def _fail(shop: Shop, client: Client, times: int) -> None:
    async with failing(client, ["find", "aggregate"], **_AWAY):
        for _ in range(times):
            answer = await shop.admin("GET", "/alerts")
            assert answer.status_code == 503, answer.text


async def test_processes_add_what_they_count_to_one_row(shop: Shop) -> None:
    first, second = Meter(), Meter()
    await shop.api.told(shop.stripe_paid(await shop.api.open()))
    await first.write(shop.clock)
    await first.write(shop.clock)
    assert await _counted(shop) == Traffic(2, 0, 0, {"stripe": 1})
    await second.write(shop.clock)
    assert await _counted(shop) == Traffic(4, 0, 0, {"stripe": 2})
    assert await shop.database["traffic_minutes"].count_documents({}) == 1


async def test_nothing_is_written_where_nothing_was_counted(shop: Shop) -> None:
    meter = Meter()
    await shop.api.http.get("/health/ready")
    await meter.write(shop.clock)
    assert await shop.database["traffic_minutes"].count_documents({}) == 0


async def test_what_can_not_be_written_is_written_later(shop: Shop, client: Client) -> None:
    meter = Meter()
    await shop.api.open()
    async with failing(client, ["update"], **_AWAY):
        with pytest.raises(Unavailable):
            await meter.write(shop.clock)
    assert await _counted(shop) == Traffic()
    await meter.write(shop.clock)
    assert (await _counted(shop)).requests == 1


async def test_answers_that_fail(shop: Shop, client: Client) -> None:
    meter = Meter()
    await _fail(shop, client, 4)
    await meter.write(shop.clock)
    assert await stands(shop, "answers_failed") == []  # too few to say anything
    await _fail(shop, client, 1)
    await shop.api.open()
    await meter.write(shop.clock)
    assert await stands(shop, "answers_failed") == [("default", "")]
    [alert] = await alerts(shop)
    assert "5 of 6 answers" in alert["what"]
    assert await gone(shop, "answers_failed")


async def test_control_answers_of_4xx_and_probes_are_none_that_fail(shop: Shop) -> None:
    meter = Meter()
    for _ in range(20):
        await shop.api.call("GET", "/api/admin/alerts")
        REQUESTS.observe(0.1, "GET", "/health/ready", 503)
    await meter.write(shop.clock)
    assert await _counted(shop) == Traffic(20, 0, 0, {})
    assert await stands(shop, "answers_failed") == []


async def test_failures_below_the_threshold_are_no_alert(shop: Shop) -> None:
    meter = Meter()
    for n in range(600):
        REQUESTS.observe(0.1, "GET", "/api/x", 500 if n < 6 else 200)
    await meter.write(shop.clock)
    assert await stands(shop, "answers_failed", error_percent=1) == []
    assert await stands(shop, "answers_failed", error_percent=0.9) == [("default", "")]


async def _a_day_of_webhooks(shop: Shop, meter: Meter, count: int = 5) -> None:
    """Take webhooks at this time, then let a day pass."""
    for _ in range(count):
        await shop.receive(shop.stripe_paid(await shop.api.open()))
    await meter.write(shop.clock)
    shop.pass_time(days=1)


async def test_a_provider_that_usually_sends_at_this_time_and_does_not(shop: Shop) -> None:
    meter = Meter()
    for _ in range(7):
        await _a_day_of_webhooks(shop, meter)
    assert await stands(shop, "provider_silent") == [("default", "stripe")]
    [alert] = await alerts(shop)
    assert "Stripe has sent no webhook for 2 h" in alert["what"]
    await shop.receive(shop.stripe_paid(await shop.api.open()))
    await meter.write(shop.clock)
    assert await gone(shop, "provider_silent")


@pytest.mark.parametrize("busy", [[0, 1, 1, 1, 1, 1, 1], [1, 0, 0, 0, 1, 1, 1], [1] * 6])
async def test_control_a_silence_that_is_usual_is_none(shop: Shop, busy: list[int]) -> None:
    meter = Meter()
    for sends in busy:
        await _a_day_of_webhooks(shop, meter, 5 * sends)
    assert await stands(shop, "provider_silent") == []


async def test_control_at_another_time_of_the_day_it_is_usual(shop: Shop) -> None:
    meter = Meter()
    for _ in range(7):
        await _a_day_of_webhooks(shop, meter)
    shop.pass_time(hours=3)
    assert await stands(shop, "provider_silent") == []


async def test_webhooks_are_counted_whatever_comes_of_them(shop: Shop) -> None:
    before = webhook_counts().get("stripe", 0)
    paid = shop.stripe_paid(await shop.api.open())
    for _ in range(3):
        await shop.receive(paid)
    assert webhook_counts()["stripe"] == before + 3


async def test_a_write_that_takes_too_long(shop: Shop, client: Client) -> None:
    assert await stands(shop, "database_slow", database_seconds=30) == []
    async with stalling(client, ["update"], for_ms=300):
        assert await stands(shop, "database_slow", database_seconds=0.2) == [("default", "")]
    [alert] = await alerts(shop)
    assert alert["what"].startswith("A write took the database 0.")
    assert await gone(shop, "database_slow", database_seconds=30)


async def test_calls_that_get_no_answer(shop: Shop, client: Client) -> None:
    meter = Meter()
    async with failing(client, ["find"], **_AWAY):
        for _ in range(10):
            with pytest.raises(Unavailable):
                async with answers_in_time():
                    await shop.database["alerts"].find_one({})
    await meter.write(shop.clock)
    assert (await _counted(shop)).unanswered == 10
    assert await stands(shop, "database_slow", database_seconds=30) == [("default", "")]
    assert await gone(shop, "database_slow", database_seconds=30)


async def test_control_calls_that_the_database_refuses_are_answered(
    shop: Shop, client: Client
) -> None:
    meter = Meter()
    async with failing(client, ["find"], errorCode=8000):
        for _ in range(10):
            with pytest.raises(Exception, match="failCommand"):
                async with answers_in_time():
                    await shop.database["alerts"].find_one({})
    await meter.write(shop.clock)
    assert (await _counted(shop)).unanswered == 0
