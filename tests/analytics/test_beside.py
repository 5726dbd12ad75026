"""Webhooks and tracked events are one pass over all rows, whatever comes late, goes or dies."""

import random
from typing import Any

import pytest

from service.analytics.documents import DayRollup, DirtyBucket, Rollup
from service.analytics.operations import beside, marking
from service.analytics.operations.rebuilding import begin_rebuild, figures_status
from service.analytics.states import SERIES
from service.core import lateness
from tests.analytics.behind import FIRST, LAST, rollups
from tests.analytics.counting import Counting
from tests.analytics.test_now import asked
from tests.bookkeeping.books import CRON
from tests.support.shop import Shop

_STEPS = (
    *("pass_time", "pass_time", "come", "come", "retry", "replay", "postpone", "stumble", "review"),
    *("tell", "tell", "send", "send", "resend", "resend_failed", "cancel", "track", "track"),
    *("count", "count", "mark", "die", "purge", "move_house"),
)
_WRITES = {
    "an event is tried again": ("stumbled", "retry"),
    "an event is applied again": ("come", "replay"),
    "an event can't be read any more": ("come", "postpone"),
    "a person decides": ("come", "review"),
    "a delivery is made late": ("tell", "late"),
    "a delivery arrives late": ("tell", "arrive"),
    "a delivery fails late": ("tell", "fail"),
    "a delivery is canceled": ("tell", "cancel"),
    "a delivery is sent again": ("sent", "resend"),
    "what failed is sent again": ("failed", "resend_failed"),
}


async def _counting(shop: Shop, seed: int) -> Counting:
    counting = Counting(shop, random.Random(seed))  # noqa: S311 - no secret
    await counting.open()
    return counting


async def _live_through(counting: Counting, steps: int) -> None:
    for _ in range(steps):
        await getattr(counting, counting.draw.choice(_STEPS))()
        await counting.check()
    counting.shop.pass_time(hours=1)
    await counting.count()
    await counting.check()
    assert await counting.shop.database[DirtyBucket.collection_name()].count_documents({}) == 0
    assert await counting.shop.database[Rollup.collection_name()].find_one({"currency": SERIES})


async def test_any_order_is_one_pass(shop: Shop) -> None:
    await _live_through(await _counting(shop, 0), 40)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 101))
async def test_a_hundred_orders(shop: Shop, seed: int) -> None:
    """Soak: each takes seconds; one of them stays above."""
    await _live_through(await _counting(shop, seed), 80)


@pytest.mark.parametrize("what", sorted(_WRITES))
async def test_what_is_written_late_is_counted_anew(shop: Shop, what: str) -> None:
    """The control: the same write, of which nobody says that it came late."""
    counting, (first, then) = await _counting(shop, 1), _WRITES[what]
    await _do(counting, first)
    shop.pass_time(hours=1)
    await counting.count()
    before = await counting.expected()
    await _do(counting, then)
    assert await counting.expected() != before
    await counting.check()
    for name in ("webhook_events", "webhook_deliveries"):
        await shop.database[name].update_many({}, {"$set": {"recount": False}})
    with pytest.raises(AssertionError):
        await counting.check()
    for name in ("webhook_events", "webhook_deliveries"):
        await shop.database[name].update_many({}, {"$set": {"recount": True}})
    await counting.count()
    await counting.check()


async def _do(counting: Counting, what: str) -> None:
    if what in {"sent", "failed"}:
        await counting.tell()
        await (counting.fail() if what == "failed" else counting.arrive())
    elif what == "stumbled":
        await counting.come()
        await counting.stumble()
    elif what == "late":
        await counting.late()
    elif what == "come":
        for _ in range(8):
            await counting.come()
    else:
        await getattr(counting, what)()


async def test_what_was_purged_stays_counted(shop: Shop) -> None:
    """Also where some of a quarter-hour is left, and all of it is counted anew."""
    counting = await _counting(shop, 3)
    for _ in range(4):
        await counting.come()
        await counting.tell()
        await counting.send()
    shop.pass_time(hours=1)
    await counting.count()
    before = await rollups(shop.database)
    expected = await counting.expected()
    for name in ("webhook_events", "webhook_deliveries"):
        one = await shop.database[name].find_one({})
        assert one is not None
        await shop.database[name].delete_one({"_id": one["_id"]})
        counting.gone[name].append(one)
        await shop.database[name].update_many({}, {"$set": {"recount": True}})
    await counting.check()
    await begin_rebuild(FIRST, LAST, CRON, shop.clock)
    await counting.count()
    await counting.check()
    assert await counting.expected() == expected
    assert await rollups(shop.database) == before


async def test_what_is_made_anew_is_as_before(shop: Shop) -> None:
    counting = await _counting(shop, 4)
    for _ in range(3):
        await counting.come()
        await counting.track()
    shop.pass_time(hours=1)
    await counting.count()
    before = await rollups(shop.database)
    series = {"currency": SERIES}
    assert len([row for row in before if row["currency"] == SERIES]) > 1
    await shop.database[Rollup.collection_name()].delete_many(series)
    await shop.database[DayRollup.collection_name()].delete_many(series)
    # Control: roll-ups are read at all.
    with pytest.raises(AssertionError):
        await counting.check()
    assert (await begin_rebuild(FIRST, LAST, CRON, shop.clock)).buckets > 0
    await counting.check()
    await counting.count()
    assert await rollups(shop.database) == before
    status = await figures_status()
    assert [one.marked for one in status.merchants] == [0]
    reached = {one.name: one.read_until for one in status.aggregates}["webhooks"]
    assert reached is not None
    assert shop.clock.now() - reached >= marking.SETTLES


async def test_a_quarter_hour_is_counted_once_it_has_settled(shop: Shop) -> None:
    """Ten minutes after whoever writes in it says so: so far apart may clocks be."""
    assert marking.SETTLES.total_seconds() - lateness.LATE_AFTER.total_seconds() == 600
    counting = await _counting(shop, 5)
    await counting.come()
    shop.pass_time(minutes=29)
    await counting.count()
    series: dict[str, Any] = {"currency": SERIES}
    rows = shop.database[Rollup.collection_name()]
    assert await rows.count_documents(series) == 0
    await counting.check()
    shop.pass_time(minutes=1)
    await counting.count()
    assert await rows.count_documents(series) == 1
    await counting.check()


async def test_what_is_days_old_is_counted_day_by_day(shop: Shop) -> None:
    """As after the upgrade; and an answer before that counts all of it."""
    counting = await _counting(shop, 8)
    for _ in range(4):
        await counting.come()
        await counting.tell()
        shop.pass_time(days=1)
    await counting.check()
    await counting.count()
    await counting.check()
    rows = shop.database[Rollup.collection_name()]
    assert await rows.count_documents({"currency": SERIES}) == 4


async def test_more_resources_than_are_kept_are_counted_when_asked(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control counts what is kept of them."""
    counting = await _counting(shop, 6)
    monkeypatch.setattr("service.analytics.operations.series.MOST_KEYS_OF_A_DAY", 1)
    monkeypatch.setattr("service.analytics.operations.days.MOST_KEYS_OF_A_DAY", 1)
    for _ in range(20):
        await counting.track()
    shop.pass_time(hours=1)
    await counting.count()
    await counting.check()
    monkeypatch.setattr(beside, "is_cut", lambda _: False)
    with pytest.raises(AssertionError):
        await counting.check()


async def test_the_route_shows_both_directions(shop: Shop) -> None:
    counting = await _counting(shop, 7)
    await counting.tell()
    await counting.arrive()
    await counting.come()
    shop.pass_time(hours=1)
    open_now: list[dict[str, Any]] = []
    counted: list[dict[str, Any]] = []
    for answers in (open_now, counted):
        metrics = (await asked(shop, "webhook-metrics", days=366))["metrics"]
        answers.append(metrics)
        await counting.count()
    assert open_now == counted
    assert counted[0]["outgoing"]["successful"] == 1
    assert counted[0]["incoming"]["totalDeliveries"] >= 1
    assert counted[0]["outgoing"]["byEventType"][0]["eventType"] == "session.completed"
