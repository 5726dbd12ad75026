"""Leases: one holder at a time, by the database's clock; an older fence writes nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock, SystemClock
from service.core.errors import Unavailable
from service.leases import operations, repository
from service.leases.errors import LeaseLost
from service.leases.loops import comes
from service.leases.operations import kept, leased, renew, under
from service.leases.repository import Held, claim, fence_of
from service.storage.answering import answers_in_time
from service.storage.database import Database
from service.storage.transaction import Transaction
from tests.leases.clocks import Shifted, Trusted
from tests.leases.paused import NAME, WRITTEN_TO
from tests.leases.processes import talking_to
from tests.support.patience import IN_TIME

SPAN = timedelta(seconds=60)
OFF = timedelta(minutes=10)


@pytest_asyncio.fixture
async def rows(database: Database) -> AsyncIterator[Any]:
    yield database[WRITTEN_TO]
    await database[WRITTEN_TO].delete_many({})


async def _taken(clock: Any, holder: str = "one") -> Held:
    lease = await claim("test", holder, SPAN, clock)
    assert lease is not None
    return lease


async def test_of_many_that_claim_at_once_one_holds_it(database: Database) -> None:
    for fence in (1, 2, 3):
        claimed = await asyncio.gather(
            *(claim("test", str(n), SPAN, SystemClock()) for n in range(20))
        )
        [lease] = [one for one in claimed if one is not None]
        assert lease.fence == fence
        await repository.release(lease)


async def test_a_lease_runs_out_and_the_next_holder_has_a_higher_fence(
    database: Database, clock: ManualClock
) -> None:
    first = await _taken(clock)
    clock.advance(SPAN - timedelta(milliseconds=1))
    assert await claim("test", "two", SPAN, clock) is None
    clock.advance(timedelta(milliseconds=1))
    second = await _taken(clock, "two")
    assert (first.fence, second.fence) == (1, 2)
    await repository.release(first)  # not its own any more
    assert await claim("test", "three", SPAN, clock) is None


async def test_its_fence_is_told_as_long_as_it_is_held(
    database: Database, clock: ManualClock
) -> None:
    assert await fence_of("test", clock) is None
    lease = await _taken(clock)
    clock.advance(SPAN - timedelta(milliseconds=1))
    assert await fence_of("test", clock) == lease.fence
    assert await fence_of("another", clock) is None
    clock.advance(timedelta(milliseconds=1))
    assert await fence_of("test", clock) is None


async def test_a_renewed_lease_is_held_for_its_whole_time_again(
    database: Database, clock: ManualClock
) -> None:
    lease = await _taken(clock)
    clock.advance(SPAN / 2)
    await renew(lease)
    clock.advance(SPAN * 0.75)
    assert await claim("test", "two", SPAN, clock) is None


async def test_what_was_given_back_is_free_and_is_not_held_on(
    database: Database, clock: ManualClock
) -> None:
    async with leased("test", SPAN, clock) as lease:
        assert lease is not None
        async with leased("test", SPAN, clock) as other:
            assert other is None
    with pytest.raises(LeaseLost):
        await renew(lease)
    assert (await _taken(clock)).fence == lease.fence + 1


async def test_a_lease_is_given_back_by_its_holder_alone_and_ends_no_other_of_it(
    database: Database, clock: ManualClock
) -> None:
    slow = await _taken(clock, "slow")
    clock.advance(SPAN)
    for name in ("test", "another"):
        assert await claim(name, "next", SPAN, clock) is not None
    await repository.release(slow)  # it has run out meanwhile
    assert await claim("test", "third", SPAN, clock) is None
    await repository.release(Held("another", "next", 1, SPAN, clock))
    assert await claim("another", "third", SPAN, clock) is not None
    assert await claim("test", "third", SPAN, clock) is None


async def _both_hold(kind: type[Shifted]) -> bool:
    slow, fast = kind(-OFF), kind(OFF)
    first = await claim("test", "slow", SPAN, slow)
    assert first is not None
    return await claim("test", "fast", SPAN, fast) is not None


async def test_clocks_that_differ_by_ten_minutes_give_one_lease_to_one(database: Database) -> None:
    assert not await _both_hold(Shifted)


async def test_control_by_the_clocks_of_the_processes_both_hold_it(database: Database) -> None:
    assert await _both_hold(Trusted)


async def test_a_lease_of_an_older_version_is_waited_for_and_then_taken(
    database: Database, clock: ManualClock
) -> None:
    """It has no fence, and was written by the clock of its process."""
    old = {"_id": "test", "holder": "old", "until": clock.now() + SPAN}
    await database["leases"].insert_one(old)
    assert await claim("test", "new", SPAN, clock) is None
    clock.advance(SPAN)
    assert (await _taken(clock)).fence == 1


async def _write(lease: Held, rows: Any, name: str) -> None:
    async def work(tx: Transaction) -> None:
        await tx.insert(rows, {"_id": name, "fence": lease.fence})

    await under(lease, work)


async def test_who_lost_the_lease_writes_nothing(rows: Any, clock: ManualClock) -> None:
    first = await _taken(clock)
    await _write(first, rows, "in time")
    clock.advance(SPAN)
    with pytest.raises(LeaseLost):  # it ran out, also while nobody has taken it over
        await _write(first, rows, "late")
    second = await _taken(clock, "two")
    with pytest.raises(LeaseLost):
        await _write(first, rows, "later")
    await _write(second, rows, "next")
    assert await rows.distinct("_id") == ["in time", "next"]


async def _takes_over_during_a_batch(rows: Any, clock: ManualClock) -> bool:
    """Return whether another can take the lease over between a batch's begin and its commit."""
    first, took = await _taken(clock), []

    async def work(tx: Transaction) -> None:
        await tx.insert(rows, {"_id": "batch"})
        clock.advance(SPAN)
        try:
            async with answers_in_time(0.3):
                took.append(await claim("test", "two", SPAN, clock))
        except Unavailable:
            took.append(None)

    await under(first, work)
    assert await rows.count_documents({"_id": "batch"}) == 1
    return took[0] is not None


async def test_nobody_takes_a_lease_over_in_the_middle_of_a_batch(
    rows: Any, clock: ManualClock
) -> None:
    assert not await _takes_over_during_a_batch(rows, clock)
    assert (await _taken(clock, "two")).fence == 2  # afterwards


async def test_control_a_look_at_the_lease_would_let_both_go_on(
    rows: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def look(lease: Held, tx: Transaction) -> bool:
        found = repository.Lease.get_pymongo_collection().find_one(
            {"_id": lease.name, "fence": lease.fence}, session=tx.session
        )
        return await found is not None

    monkeypatch.setattr(operations.repository, "renew", look)
    assert await _takes_over_during_a_batch(rows, clock)


async def test_a_lease_that_is_kept_is_renewed_and_its_loss_is_told(
    database: Database, clock: ManualClock
) -> None:
    lost = asyncio.Event()
    lease = await claim("test", "one", timedelta(milliseconds=20), clock)
    assert lease is not None
    async with asyncio.timeout(IN_TIME), kept(lease, lost):
        until = clock.advance(timedelta(milliseconds=10)) + lease.span
        while (await database["leases"].find_one({"_id": "test"}))["until"] != until:  # type: ignore[index]
            pass
        clock.advance(SPAN)
        await lost.wait()


async def _rows_after_a_pause(uri: str, database: Database, *how: str) -> tuple[str, list[str]]:
    """Stop a holder for longer than its lease, take the lease over, and let it go on."""
    given = "tests.leases.paused", uri, database.name, "2"
    async with talking_to(*given, *how) as holder:
        assert await holder.heard() == "held"
        assert await holder.asked("before") == "written"
        holder.process.send_signal(signal.SIGSTOP)
        await holder.told("after")  # what it was about to write
        while (taken := await claim(NAME, "another", SPAN, SystemClock())) is None:
            await comes(asyncio.Event(), 0.05)
        assert taken.fence == 2
        holder.process.send_signal(signal.SIGCONT)
        said = await holder.heard()
    return said, await database[WRITTEN_TO].distinct("_id")


async def test_a_holder_that_was_stopped_for_longer_than_its_lease_writes_nothing(
    mongo_uri: str, database: Database, rows: Any
) -> None:
    assert await _rows_after_a_pause(mongo_uri, database) == ("lost", ["before"])


async def test_control_without_the_fence_it_writes_beside_the_new_holder(
    mongo_uri: str, database: Database, rows: Any
) -> None:
    found = await _rows_after_a_pause(mongo_uri, database, "unfenced")
    assert found == ("written", ["after", "before"])
