"""One alert for each condition: opened once, repeated sparsely, closed when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from pymongo.errors import OperationFailure

from service.core.principal import DEFAULT_MERCHANT
from service.notifications.alerts import repository
from service.notifications.alerts.operations import agree as agreeing
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.check import AlertReport
from service.notifications.alerts.operations.condition import Condition, Sighting
from service.notifications.alerts.states import OVER_AFTER, is_due
from service.storage.database import Client
from service.storage.indexes import apply_indexes
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.leases.clocks import Shifted, Trusted
from tests.notifications.alerts.watching import (
    SEEN,
    Lamp,
    alerts,
    run_alerts,
    seen_at,
    told,
    watch,
)
from tests.storage.failing import failing
from tests.support.shop import Shop


async def test_a_condition_opens_one_alert_and_tells_of_it_once(shop: Shop) -> None:
    lamp = Lamp()
    for _ in range(3):
        await watch(shop, lamp)
        shop.pass_time(minutes=1)
    [alert] = await alerts(shop)
    assert (alert["rule"], alert["merchantId"], alert["subject"]) == ("lamp", "shop-2", "here")
    assert (alert["status"], alert["openedAt"]) == ("open", NOON)
    assert alert["lastSeenAt"] == NOON + timedelta(minutes=2)
    [message] = await shop.messages("alert.opened")
    assert (message["merchantId"], message["sessionId"]) == ("shop-2", "")
    assert message["payload"] == {
        "alertId": alert["_id"],
        "rule": "lamp",
        "subject": "here",
        "what": SEEN.what,
        "since": NOON.isoformat(),
    }


async def test_it_closes_once_it_was_not_seen_for_a_while_and_is_told_of(shop: Shop) -> None:
    lamp = Lamp()
    await watch(shop, lamp)
    lamp.seen = ()
    shop.clock.advance(OVER_AFTER - timedelta(seconds=1))
    assert (await watch(shop, lamp)).closed == 0
    shop.pass_time(seconds=1)
    assert (await watch(shop, lamp)).closed == 1
    [alert] = await alerts(shop)
    now = shop.clock.now()
    assert (alert["status"], alert["closedAt"], alert["closedBy"]) == ("closed", now, None)
    assert alert["purgeAt"] > now
    [message] = await shop.messages("alert.closed")
    assert message["payload"]["alertId"] == alert["_id"]
    assert (await watch(shop, lamp)).closed == 0
    assert await told(shop) == {"opened": 1, "closed": 1}


async def test_what_comes_again_is_another_alert(shop: Shop) -> None:
    lamp = Lamp()
    await watch(shop, lamp)
    lamp.seen = ()
    shop.clock.advance(OVER_AFTER)
    await watch(shop, lamp)
    lamp.seen = (SEEN,)
    await watch(shop, lamp)
    assert [one["status"] for one in await alerts(shop)] == ["closed", "open"]
    assert await told(shop) == {"opened": 2, "closed": 1}


async def test_what_comes_and_goes_is_one_alert(shop: Shop) -> None:
    lamp = Lamp()
    for minute in range(0, 60, 5):
        lamp.seen = (SEEN,) if minute % 10 == 0 else ()
        await watch(shop, lamp)
        shop.pass_time(minutes=5)
    assert len(await alerts(shop)) == 1
    assert await told(shop) == {"opened": 1}


async def test_control_what_comes_and_goes_more_slowly_is_an_alert_each_time(shop: Shop) -> None:
    lamp = Lamp()
    for minute in range(0, 60, 5):
        lamp.seen = (SEEN,) if minute % 20 == 0 else ()
        await watch(shop, lamp)
        shop.pass_time(minutes=5)
    assert await told(shop) == {"opened": 3, "closed": 3}


def test_when_it_is_told_of_again() -> None:
    assert [is_due(1, NOON, NOON + timedelta(minutes=n)) for n in (59, 60)] == [False, True]
    assert [is_due(2, NOON, NOON + timedelta(minutes=n)) for n in (299, 300)] == [False, True]
    for times in (3, 4, 99):
        hours = (23.9, 24)
        assert [is_due(times, NOON, NOON + timedelta(hours=n)) for n in hours] == [False, True]


async def test_it_is_repeated_after_one_hour_after_six_and_then_daily(shop: Shop) -> None:
    lamp, after = Lamp(), []
    for hour in (0, 1, 2, 5, 6, 7, 29, 30, 31, 53, 54):
        shop.clock.advance(NOON + timedelta(hours=hour) - shop.clock.now())
        if (await watch(shop, lamp)).repeated:
            after.append(hour)
    assert after == [1, 6, 30, 54]
    [alert] = await alerts(shop)
    assert alert["times"] == 5
    lasts = [row["payload"]["times"] for row in await shop.messages("alert.repeated")]
    assert lasts == [2, 3, 4, 5]


async def test_a_repetition_is_in_the_words_of_now(shop: Shop) -> None:
    lamp = Lamp()
    await watch(shop, lamp)
    lamp.seen = (Sighting("Worse by now.", "here", "shop-2"),)
    shop.pass_time(hours=1)
    await watch(shop, lamp)
    [message] = await shop.messages("alert.repeated")
    assert message["payload"]["what"] == "Worse by now."
    assert [one["what"] for one in await alerts(shop)] == ["Worse by now."]


async def test_each_merchant_and_subject_has_its_own(shop: Shop) -> None:
    seen = [Sighting("x", s, m) for m in ("a", "b") for s in ("1", "2", "2")]
    seen += [Sighting("x", str(n), "many") for n in range(250)]
    await seen_at(shop, *seen)
    await seen_at(shop, *seen)
    assert len(await alerts(shop)) == 254
    assert await told(shop) == {"opened": 254}
    shop.clock.advance(OVER_AFTER)
    await seen_at(shop, seen[0])
    assert await told(shop) == {"opened": 254, "closed": 253}


async def test_while_nobody_can_look_nothing_is_closed_and_other_rules_are_looked_at(
    shop: Shop,
) -> None:
    lamp, other = Lamp(), Lamp()
    await watch(shop, lamp)
    lamp.fails = True
    shop.pass_time(days=2)
    rules = Condition("lamp", lamp.look), Condition("other", other.look)
    report = await run_alerts(shop, *rules)
    assert (report.unknown, report.closed, report.repeated, report.opened) == (1, 0, 0, 1)
    assert await told(shop) == {"opened": 2}


async def test_control_a_look_that_sees_nothing_closes(shop: Shop) -> None:
    lamp = Lamp()
    await watch(shop, lamp)
    lamp.seen = ()
    shop.pass_time(days=2)
    report = await watch(shop, lamp)
    assert (report.unknown, report.closed) == (0, 1)


async def test_a_rule_that_this_process_does_not_know_keeps_its_alerts(shop: Shop) -> None:
    await watch(shop, Lamp())
    shop.pass_time(days=2)
    await run_alerts(shop)
    assert [one["status"] for one in await alerts(shop)] == ["open"]


async def test_what_a_merchant_has_turned_off_is_not_seen_for_it(shop: Shop) -> None:
    lamp = Lamp()
    lamp.seen = (SEEN, Sighting("x", "", "shop-3"))
    await watch(shop, lamp)
    path, wanted = "/merchants/shop-2", {"name": "Two", "zone": "UTC", "alertsOff": ["lamp"]}
    answer = await shop.admin("PUT", path, json=wanted)
    assert answer.json()["merchant"]["alertsOff"] == ["lamp"], answer.text
    shop.clock.advance(OVER_AFTER)
    await watch(shop, lamp)
    assert [one["merchantId"] for one in await alerts(shop, status="open")] == ["shop-3"]
    await shop.admin("PUT", path, json=wanted | {"alertsOff": ["another"]})
    assert (await watch(shop, lamp)).opened == 1


async def test_a_dry_run_counts_and_writes_nothing(shop: Shop) -> None:
    report = await run_alerts(shop, Condition("lamp", Lamp().look), dry_run=True)
    assert (report.seen, report.opened) == (1, 0)
    assert await alerts(shop) == []
    assert await told(shop) == {}


async def _at_once(shop: Shop, most: int) -> None:
    """Have some processes that hold no lease see the same for the first time at once."""
    await asyncio.gather(*(seen_at(shop, SEEN) for _ in range(most)))


async def test_of_many_that_see_it_at_once_one_opens_it(shop: Shop) -> None:
    await _at_once(shop, 8)
    assert len(await alerts(shop)) == 1
    assert await told(shop) == {"opened": 1}


async def test_control_without_the_unique_index_several_do(shop: Shop) -> None:
    await shop.database["alerts"].drop_index("standing")
    try:
        await _at_once(shop, 8)
        assert len(await alerts(shop)) > 1
    finally:
        await shop.database["alerts"].delete_many({})
        await apply_indexes(shop.database, DOCUMENTS)


async def test_two_runs_at_once_are_one(shop: Shop) -> None:
    lamp = Lamp()
    reports = await asyncio.gather(*(watch(shop, lamp) for _ in range(4)))
    assert sum(report.opened for report in reports) == 1
    assert {report.skipped for report in reports} <= {True, False}
    assert await told(shop) == {"opened": 1}


REFUSED = {"errorCode": 8000, "mode": {"times": 1}}


async def test_an_alert_whose_message_can_not_be_written_is_not_opened_either(
    shop: Shop, client: Client
) -> None:
    namespace = f"{shop.database.name}.outbox"
    async with failing(client, ["update"], namespace=namespace, **REFUSED):
        with pytest.raises(OperationFailure):
            await seen_at(shop, SEEN)
    assert (await alerts(shop), await told(shop)) == ([], {})
    await seen_at(shop, SEEN)
    assert (len(await alerts(shop)), await told(shop)) == (1, {"opened": 1})


async def test_what_ends_before_the_commit_opens_nothing_and_the_next_run_does(
    shop: Shop, client: Client
) -> None:
    async with failing(client, ["commitTransaction"], **REFUSED):
        with pytest.raises(OperationFailure):
            await seen_at(shop, SEEN)
    assert (await alerts(shop), await told(shop)) == ([], {})
    await seen_at(shop, SEEN)
    assert await told(shop) == {"opened": 1}


async def test_control_written_one_by_one_a_cut_leaves_an_alert_of_which_nobody_hears(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def without(_: object, work: Callable[[Transaction], Awaitable[object]]) -> object:
        return await work(NO_TRANSACTION)

    monkeypatch.setattr(agreeing, "under", without)
    namespace = f"{shop.database.name}.outbox"
    async with failing(client, ["update"], namespace=namespace, **REFUSED):
        with pytest.raises(OperationFailure):
            await seen_at(shop, SEEN)
    await seen_at(shop, SEEN)
    assert (len(await alerts(shop)), await told(shop)) == (1, {})


_OFF = timedelta(minutes=10)


async def _ages(shop: Shop, kind: type[Shifted]) -> list[str]:
    """Have one whose clock is slow see something, and then another whose clock is fast not."""
    for off, seen in ((-_OFF, (SEEN,)), (_OFF, ())):
        now = await repository.database_now(kind(off))
        await agree("lamp", seen, now, None)
    return [row["status"] for row in await alerts(shop)]


async def test_two_whose_clocks_differ_by_twenty_minutes_agree_about_ages(shop: Shop) -> None:
    assert await _ages(shop, Shifted) == ["open"]


async def test_control_by_their_own_clocks_the_fast_one_closes_what_was_just_opened(
    shop: Shop,
) -> None:
    assert await _ages(shop, Trusted) == ["closed"]


async def test_a_clock_that_is_turned_back_closes_nothing_and_opens_nothing_twice(
    shop: Shop,
) -> None:
    await seen_at(shop, SEEN)
    back = shop.clock.now() - timedelta(hours=3)
    assert [one for one in await agree("lamp", (), back, None) if one.closed] == []
    await agree("lamp", (SEEN,), back, None)
    assert await told(shop) == {"opened": 1}


async def test_the_report_says_what_was_done(shop: Shop) -> None:
    report = await watch(shop, Lamp())
    figures = {"seen": 1, "opened": 1, "repeated": 0, "closed": 0, "unknown": 0}
    assert report.figures() == figures
    assert frozenset(figures) >= AlertReport.changes
    assert DEFAULT_MERCHANT == Sighting("x").merchant_id
