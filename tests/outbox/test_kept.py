"""What is kept of a delivery, and by whom; and what a look at the lanes finds, at which cost."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from service.outbox import repository
from service.outbox.documents import Delivery
from service.outbox.operations.deliver import LEASE
from service.outbox.repository import Claimed, Failed
from service.storage.database import Row
from tests.outbox.subscribing import Listener, born, deliver, deliveries, subscriber, write
from tests.support.profiled import profiled
from tests.support.shop import Shop

LANE = "test:"


async def _dispatched(shop: Shop, *keys: str) -> None:
    """Have deliveries that nobody has taken yet: what was tried first has failed."""
    await born(shop.clock, subscriber(Listener()))
    await write(shop, *keys)
    await deliver(shop.clock, subscriber(Listener(failures=len(keys))))


async def _claimed(shop: Shop) -> Claimed:
    claimed = await repository.claim(LANE, 100, LEASE, shop.clock)
    assert claimed is not None
    return claimed


async def _keep(shop: Shop, claimed: Claimed, what: str) -> None:
    """Keep of all that was claimed that it went so."""
    kept: dict[str, Sequence[Delivery]] = {"done": (), "untouched": ()}
    failed = [Failed(one, "late", timedelta(seconds=1)) for one in claimed.deliveries]
    if what in kept:
        kept[what], failed = claimed.deliveries, []
    await repository.keep(
        claimed, done=kept["done"], untouched=kept["untouched"], failed=failed, clock=shop.clock
    )


async def test_one_that_was_made_at_last_tells_when_and_no_error_any_more(shop: Shop) -> None:
    await _dispatched(shop, "1")
    [row] = await deliveries(shop)
    assert (row["status"], row["error"], row["doneAt"]) == ("pending", "not now", None)
    shop.pass_time(seconds=2)
    assert await deliver(shop.clock, subscriber(Listener())) == 1
    [row] = await deliveries(shop)
    assert (row["status"], row["error"], row["claim"]) == ("done", None, None)
    assert row["doneAt"] == shop.clock.now()


@pytest.mark.parametrize("what", ["done", "failed", "untouched"])
async def test_of_what_another_has_taken_since_nothing_is_kept(shop: Shop, what: str) -> None:
    await _dispatched(shop, "1")
    shop.pass_time(seconds=2)
    paused = await _claimed(shop)
    shop.pass_time(seconds=LEASE.total_seconds())
    another = await _claimed(shop)
    before = await deliveries(shop)
    await _keep(shop, paused, what)
    assert await deliveries(shop) == before
    await _keep(shop, another, what)  # the control
    assert await deliveries(shop) != before


async def _looked(shop: Shop) -> tuple[str, ...]:
    return (await repository.look(shop.clock, None)).lanes


async def test_a_lane_is_due_as_soon_as_one_of_its_rows_is(shop: Shop) -> None:
    await _dispatched(shop, "1", "2")
    later = {"$set": {"nextAttemptAt": shop.clock.now() + timedelta(hours=1)}}
    await shop.database["deliveries"].update_one({"_id": "test.topic:1:test"}, later)
    assert await _looked(shop) == ()
    shop.pass_time(seconds=2)
    assert await _looked(shop) == (LANE,)


async def test_a_look_takes_one_step_a_lane_however_much_waits_in_it(shop: Shop) -> None:
    await _dispatched(shop, *(str(n) for n in range(40)))
    shop.pass_time(seconds=2)
    async with profiled(shop.database) as done:
        assert await _looked(shop) == (LANE,)
    [asked] = [row for row in done if _is_of_deliveries(row)]
    assert asked["keysExamined"] <= 5


def _is_of_deliveries(row: Row) -> bool:
    return str(row["ns"]).endswith(".deliveries")


async def test_what_is_named_by_its_ids_is_taken_and_kept_without_a_trial_of_other_indexes(
    shop: Shop,
) -> None:
    """A trial costs mongod a third of what each delivery does, whenever enough has changed."""
    hears = subscriber(Listener())
    await born(shop.clock, hears)
    async with profiled(shop.database) as done:
        for key in ("1", "2", "3"):
            await write(shop, key)
            assert await deliver(shop.clock, hears) == 1
    named = [row for row in done if row["op"] == "update" and _is_of_deliveries(row)]
    assert len(named) == 3 * 2
    assert {row["planSummary"] for row in named} == {"IXSCAN { _id: 1 }"}
    assert [row for row in named if row.get("fromMultiPlanner")] == []
