"""Each condition opens by a real cause and closes once that is gone, with what does not open it."""

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from service.core.principal import DEFAULT_MERCHANT
from service.inbox.operations.replay import retry_waiting
from service.jobs.operations.pausing import pause_job
from service.jobs.operations.run import run_job
from service.merchants import repository as merchants
from service.merchants.documents import Merchant
from service.notifications.alerts.operations.table import archive_condition
from service.notifications.alerts.settings import AlertSettings
from service.notifications.alerts.states import OVER_AFTER
from service.notifications.endpoints.operations.changing import Wish, change_endpoint
from tests.notifications.alerts.watching import CRON, alerts, condition_of, run_alerts
from tests.notifications.receivers import answers, receiving
from tests.notifications.telling import OPERATOR, endpoint, send, services_of, tell
from tests.outbox.subscribing import DEAD, Listener, dead_letter, deliver, subscriber, write
from tests.refunds.money import Money, made
from tests.support.profiled import profiled
from tests.support.shop import Shop

UNKNOWN = {"sessionId": "later", "amount": 1000, "currency": "INR"}


async def stands(shop: Shop, rule: str, **limits: float | None) -> list[tuple[str, str]]:
    """Look at a rule; return the merchants and subjects of which an alert is open."""
    report = await run_alerts(shop, condition_of(shop, rule, **limits))
    assert report.unknown == 0
    found = await alerts(shop, rule=rule, status="open")
    assert all(row["what"].endswith(".") for row in found)
    return [(row["merchantId"], row["subject"]) for row in found]


async def gone(shop: Shop, rule: str, **limits: float | None) -> bool:
    """Return whether no alert is open once the condition had time to be over."""
    shop.clock.advance(OVER_AFTER)
    return await stands(shop, rule, **limits) == []


async def _doubted(shop: Shop) -> str:
    session = await shop.api.open()
    paid = shop.stripe_paid(session, amount_total=999)
    assert (await shop.api.told(paid))["outcome"] == "review"
    [row] = await shop.events(sessionId=session["sessionId"])
    return str(row["_id"])


async def test_a_review_that_waits_for_an_hour(shop: Shop) -> None:
    event_id = await _doubted(shop)
    shop.pass_time(minutes=59)
    assert await stands(shop, "reviews_wait") == []  # the control
    shop.pass_time(minutes=1)
    assert await stands(shop, "reviews_wait") == [("default", "")]
    [alert] = await alerts(shop)
    assert "1 payment waited for a decision" in alert["what"]
    await _doubted(shop)
    done = await shop.admin("POST", f"/reviews/{event_id}/reject", json={"reason": "fraud"})
    assert done.status_code == 200, done.text
    assert await gone(shop, "reviews_wait")


async def test_reviews_are_looked_at_for_as_long_as_the_settings_say(shop: Shop) -> None:
    await _doubted(shop)
    shop.pass_time(minutes=5)
    assert await stands(shop, "reviews_wait", review_minutes=5) == [("default", "")]
    assert await gone(shop, "reviews_wait", review_minutes=None)


async def test_an_event_that_was_given_up(shop: Shop) -> None:
    await shop.api.told(shop.stripe_paid(UNKNOWN))
    shop.pass_time(days=29)
    await retry_waiting(shop.api.container.inbox)
    assert await stands(shop, "events_dead") == []
    shop.pass_time(days=2)
    await retry_waiting(shop.api.container.inbox)
    assert await stands(shop, "events_dead") == [("default", "stripe")]
    await shop.api.open(sessionId="later")
    [event] = await shop.events()
    await shop.admin("POST", f"/webhook-events/{event['_id']}/replay")
    assert await gone(shop, "events_dead")


async def test_a_delivery_that_was_given_up(shop: Shop) -> None:
    failing = replace(subscriber(Listener(failures=99), "slow"), always=True)
    await write(shop, "9")
    await deliver(shop.clock, failing)
    assert await stands(shop, "deliveries_dead") == []
    await dead_letter(shop, "shop-2")
    assert await stands(shop, "deliveries_dead") == [("shop-2", "test")]
    await shop.admin("POST", f"/deliveries/{DEAD}/redeliver")
    assert await gone(shop, "deliveries_dead")


async def test_a_message_that_nobody_dispatches(shop: Shop) -> None:
    await write(shop)
    shop.pass_time(minutes=59)
    assert await stands(shop, "messages_wait") == []
    shop.pass_time(minutes=1)
    assert await stands(shop, "messages_wait") == [("default", "test.topic")]
    await deliver(shop.clock)
    assert await gone(shop, "messages_wait")


async def test_a_lane_in_which_something_waits_for_long(shop: Shop) -> None:
    listener = Listener(failures=1)
    hears = replace(subscriber(listener), always=True)
    await write(shop)
    await deliver(shop.clock, hears)
    shop.pass_time(minutes=59)
    assert await stands(shop, "messages_wait") == []
    shop.pass_time(minutes=1)
    assert await stands(shop, "messages_wait") == [("default", "test:")]
    await deliver(shop.clock, hears)
    assert await gone(shop, "messages_wait")


async def test_a_refund_of_which_nobody_can_tell_whether_it_was_made(money: Money) -> None:
    payment = await money.paid()
    money.books.plans.append("lost")
    made(await money.refund(payment, amount=400))
    money.shop.pass_time(hours=1)
    assert await stands(money.shop, "refunds_wait") == []
    money.books.silent = True
    money.shop.pass_time(hours=24)
    await money.deliver()
    assert await stands(money.shop, "refunds_wait") == [("default", "")]
    money.books.silent = False
    money.shop.pass_time(hours=12)
    await run_job("refunds", money.shop.api.container.job_table, CRON)
    assert await gone(money.shop, "refunds_wait")


async def test_rows_that_should_be_gone_for_over_a_week(shop: Shop) -> None:
    await shop.api.open()
    shop.pass_time(minutes=31)
    await shop.clean_up()
    shop.pass_time(days=13)
    assert await stands(shop, "rows_kept") == []
    shop.pass_time(days=2)
    assert await stands(shop, "rows_kept") == [("default", "sessions")]
    await shop.clean_up()
    assert await gone(shop, "rows_kept")


async def _run_all(shop: Shop, *but: str) -> None:
    table = shop.api.container.job_table
    for name, job in table.jobs.items():
        if job.about.every is not None and name not in {"alerts", *but}:
            await run_job(name, table, CRON)


async def test_a_job_that_nobody_calls(shop: Shop) -> None:
    await _run_all(shop)
    shop.pass_time(minutes=3)
    assert await stands(shop, "jobs_late") == []
    shop.pass_time(seconds=1)
    assert await stands(shop, "jobs_late") == [("default", "figures")]  # called every minute
    shop.pass_time(minutes=11, seconds=59)
    assert await stands(shop, "jobs_late") == [("default", "figures")]
    shop.pass_time(seconds=1)
    assert ("default", "cleanup") in await stands(shop, "jobs_late")
    await _run_all(shop)
    assert ("default", "cleanup") in await stands(shop, "jobs_late")  # not over yet
    for _ in range(2):
        shop.pass_time(minutes=10)
        await _run_all(shop)
        found = await stands(shop, "jobs_late")
    assert found == []


async def test_a_job_that_was_never_called_is_late_from_the_first_start_on(shop: Shop) -> None:
    await merchants.insert_missing(Merchant.unnamed(DEFAULT_MERCHANT, shop.clock.now()))
    await _run_all(shop, "cleanup")
    assert await stands(shop, "jobs_late") == []
    shop.pass_time(minutes=14)
    await _run_all(shop, "cleanup")
    shop.pass_time(minutes=2)
    assert await stands(shop, "jobs_late") == [("default", "cleanup")]
    [alert] = await alerts(shop)
    assert "Nobody has called it yet" in alert["what"]


async def test_a_job_that_somebody_paused_is_not_late(shop: Shop) -> None:
    await _run_all(shop)
    table = shop.api.container.job_table
    await pause_job("cleanup", table, CRON)
    shop.pass_time(minutes=20)
    assert ("default", "cleanup") not in await stands(shop, "jobs_late")


async def test_a_job_that_only_fails_is_late(shop: Shop, monkeypatch: Any) -> None:
    await _run_all(shop)
    shop.pass_time(minutes=16)
    late: dict[str, Any] = {"job": "cleanup", "fence": 9, "by": "cron", "state": "failed"}
    late |= {"startedAt": shop.clock.now(), "endedAt": shop.clock.now(), "figures": {}}
    await shop.database["job_runs"].insert_one(late | {"error": "Out of order."})
    await stands(shop, "jobs_late")
    [alert] = await alerts(shop, subject="cleanup")
    assert "Its last run failed: Out of order." in alert["what"]


async def test_an_endpoint_that_was_disabled_for_what_it_answered(shop: Shop) -> None:
    async with receiving(answers(410)) as leaves, receiving(answers(500)) as stays:
        left = await endpoint(shop, leaves.url())
        by_hand, _ = await endpoint(shop, stays.url()), await endpoint(shop, stays.url())
        assert await stands(shop, "endpoint_disabled") == []
        await change_endpoint(services_of(shop), by_hand.endpoint.id, Wish(enabled=False), OPERATOR)
        await tell(shop)
        await send(shop)
    # The controls: of one that fails and of one that somebody disabled nobody is told.
    assert await stands(shop, "endpoint_disabled") == [("default", left.endpoint.id)]
    [alert] = await alerts(shop)
    assert (
        f"The endpoint {left.endpoint.id} ({left.endpoint.url.split('/')[2]}) was disabled at "
        in alert["what"]
    )
    assert "it answered that it is gone (410). Nothing is sent there." in alert["what"]
    await change_endpoint(services_of(shop), left.endpoint.id, Wish(enabled=True), OPERATOR)
    assert await gone(shop, "endpoint_disabled")


async def test_how_full_the_disk_is(shop: Shop) -> None:
    assert await stands(shop, "storage_full", storage_percent=100) == []
    assert await stands(shop, "storage_full", storage_percent=1e-6) == [("default", "")]
    [alert] = await alerts(shop)
    assert "% full" in alert["what"]
    assert await gone(shop, "storage_full", storage_percent=None)


async def test_how_many_files_of_leads_are_archived(shop: Shop, tmp_path: Path) -> None:
    files = [tmp_path / f"payment-intents-2026-11-0{n}-archived-x.jsonl.gz" for n in range(3)]
    for file in (*files, tmp_path / "of-somebody-else.gz"):
        file.write_bytes(b"12345")

    async def open_alerts(most: int | None) -> list[str]:
        settings = AlertSettings().model_copy(update={"archive_files": most})
        await run_alerts(shop, archive_condition(settings, tmp_path))
        return [row["what"] for row in await alerts(shop, rule="archive_full", status="open")]

    assert await open_alerts(3) == []
    [what] = await open_alerts(2)
    assert what.startswith("3 files of archived leads")
    files[0].unlink()
    shop.clock.advance(OVER_AFTER)
    assert await open_alerts(2) == []
    assert await open_alerts(None) == []


async def test_a_look_scans_no_collection_but_the_merchants(shop: Shop) -> None:
    async with profiled(shop.database) as done:
        await run_alerts(shop, *shop.api.container.conditions)
    asked = {(row["ns"].rpartition(".")[2], row.get("planSummary")) for row in done}
    assert ("refunds", "IXSCAN { updatedAt: 1 }") in asked
    assert {name for name, plan in asked if plan == "COLLSCAN"} == {"merchants"}


async def test_every_condition_can_be_looked_at_and_none_is_seen_in_a_new_shop(shop: Shop) -> None:
    conditions = shop.api.container.conditions
    found = await run_alerts(shop, *conditions)
    named = {row["rule"] for row in await alerts(shop)}
    assert (found.unknown, named - {"storage_full"}) == (0, set())
    assert len({one.rule for one in conditions}) == len(conditions)
