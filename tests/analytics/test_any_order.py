"""Whatever changes, is killed or comes late: figures are one pass over all rows, at each moment."""

import random

import pytest

from service.analytics.documents import DirtyBucket, Rollup
from service.analytics.operations import sweeping
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.repository.facts import states
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.storage.database import Database
from service.storage.documents import bound_client
from tests.analytics.behind import FIRST, LAST, Behind, forget_reading, pretend_read, rollups
from tests.analytics.rows import change, one_sale
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.storage.failing import failing

_STEPS = (
    *("sell", "sell", "move", "move", "leave", "follow", "move_house", "make_days"),
    *("begin_late", "end_late", "sweep", "roll", "both", "die"),
)


async def live_through(behind: Behind, steps: int) -> None:
    for _ in range(steps):
        await getattr(behind, behind.draw.choice(_STEPS))()
        await behind.check()
    await behind.end_late()
    await behind.check()
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    assert await behind.database[DirtyBucket.collection_name()].count_documents({}) == 0
    await behind.check()


async def _equal_to_one_pass(behind: Behind) -> None:
    """Hold the roll-ups to be those that one pass over all rows makes."""
    found = await rollups(behind.database)
    await forget_reading(behind.database)
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    assert found == await rollups(behind.database)


async def test_any_order_is_one_pass(database: Database, clock: ManualClock) -> None:
    behind = Behind(database, clock, random.Random(0))  # noqa: S311 - no secret
    await live_through(behind, 25)
    await _equal_to_one_pass(behind)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 201))
async def test_two_hundred_orders(database: Database, clock: ManualClock, seed: int) -> None:
    """Soak: each takes seconds; one of them stays above. Half are of several months."""
    behind = Behind(database, clock, random.Random(seed))  # noqa: S311 - no secret
    behind.days = 3 if seed % 2 else 70
    await live_through(behind, 60)
    await _equal_to_one_pass(behind)


async def test_without_marks_what_changed_would_be_missing(
    database: Database, clock: ManualClock
) -> None:
    """The control: the same change, whose mark somebody removes."""
    behind = Behind(database, clock, random.Random(1))  # noqa: S311 - no secret
    paid = await one_paid(behind)
    await behind.sweep()
    await behind.roll()
    await change("payments", paid, amount=123_456)
    await behind.sweep()
    await behind.check()
    await database[DirtyBucket.collection_name()].delete_many({})
    with pytest.raises(AssertionError):
        await behind.check()


async def test_a_row_that_is_not_read_yet_counts_once(
    database: Database, clock: ManualClock
) -> None:
    """Also one that leaves a quarter-hour which was added up; the control removes its time."""
    behind = Behind(database, clock, random.Random(2))  # noqa: S311 - no secret
    paid = await one_paid(behind)
    await behind.sweep()
    await behind.roll()
    await change("payments", paid, firstAt=NOON.replace(hour=1))
    await behind.check()
    await behind.sweep()
    await behind.check()
    await behind.roll()
    await behind.check()
    await pretend_read(database, 30)
    await database["payments"].update_one({"_id": paid["_id"]}, {"$set": {"amount": 1}})
    with pytest.raises(AssertionError):
        await behind.check()


async def test_a_commit_that_comes_later_than_any_should_only_delays(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until a run reads all again in which it may be: some do, where they follow at once."""
    assert sweeping.FULLY_EVERY_S == 45
    behind = Behind(database, clock, random.Random(3))  # noqa: S311 - no secret
    await one_paid(behind)
    await behind.begin_late()
    await behind.sweep()
    await pretend_read(database, 30)
    await behind.end_late()
    with pytest.raises(AssertionError):
        await behind.check()
    await behind.sweep()
    with pytest.raises(AssertionError):
        await behind.check()
    monkeypatch.setattr(sweeping, "FULLY_EVERY_S", -sweeping.ENDED_WITHIN_S)
    await behind.sweep()
    await behind.check()


async def test_a_run_notes_how_far_it_has_read_all_in_however_many_batches(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of them would read it again."""
    monkeypatch.setattr(sweeping, "ENDED_WITHIN_S", 0)
    monkeypatch.setattr(sweeping, "AT_ONCE", 3)
    behind = Behind(database, clock, random.Random(7))  # noqa: S311 - no secret
    for _ in range(10):
        await behind.sell()
    await behind.sweep()
    [state] = await states()
    assert state.safe == state.seen != {}


async def test_what_was_killed_is_done_again(database: Database, clock: ManualClock) -> None:
    behind = Behind(database, clock, random.Random(4))  # noqa: S311 - no secret
    for _ in range(6):
        await behind.sell()
    for _ in range(8):
        await behind.die()
        await behind.check()
    assert behind.killed > 3
    await behind.sweep()
    await behind.roll()
    await behind.make_days()
    assert await database[Rollup.collection_name()].count_documents({}) > 0
    await behind.check()
    await _equal_to_one_pass(behind)


async def test_what_is_made_anew_counts_as_it_was_until_then(
    database: Database, clock: ManualClock
) -> None:
    """Else each answer would add up all facts; the control is a quarter-hour that has changed."""
    behind = Behind(database, clock, random.Random(5))  # noqa: S311 - no secret
    paid = await one_paid(behind)
    await behind.sweep()
    await behind.roll()
    await database[Rollup.collection_name()].update_many({}, {"$inc": {"totals.gross": 7}})
    other = await behind.totals()
    assert (await begin_rebuild(FIRST, LAST, CRON, clock)).buckets > 0
    assert await behind.totals() == other
    await change("payments", paid, failureCode="late")
    await behind.sweep()
    assert await behind.totals() != other
    await behind.roll()
    await behind.check()


@pytest.mark.parametrize("skipped", range(0, 12, 2))
async def test_what_is_made_anew_goes_on_where_it_was_stopped(
    database: Database, clock: ManualClock, skipped: int
) -> None:
    behind = Behind(database, clock, random.Random(6))  # noqa: S311 - no secret
    for _ in range(8):
        await behind.sell()
    await behind.sweep()
    await behind.roll()
    before = await rollups(database)
    await database[Rollup.collection_name()].update_many({}, {"$inc": {"totals.gross": 7}})
    commands = ["find", "aggregate", "bulkWrite", "update", "delete", "insert"]
    mode = {"skip": skipped}
    async with failing(bound_client(), commands, errorCode=11601, mode=mode):
        with pytest.raises(Unavailable):
            await _rebuilt(behind, clock)
    # Control: what was stopped is not there yet.
    assert await rollups(database) != before
    await _rebuilt(behind, clock)
    assert await rollups(database) == before


async def _rebuilt(behind: Behind, clock: ManualClock) -> None:
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await behind.sweep()
    await behind.roll()


async def one_paid(behind: Behind) -> dict[str, object]:
    """Insert sales until one of them was paid."""
    while True:
        sale = await one_sale(behind.draw, f"s-{len(behind.sales)}", NOON)
        behind.sales.append(sale)
        if sale.get("payments", {}).get("status") == "succeeded":
            return sale["payments"]
