"""A run that was begun and that nobody waits for: it is listed, ends, and ends with its process."""

import asyncio
from datetime import timedelta

import pytest
import structlog

from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs.errors import JobNotFound
from service.jobs.operations.begin import begin_job, ending_with
from service.jobs.operations.job import Table, Turn, by_name
from service.jobs.operations.listing import runs_of
from service.leases import loops
from service.storage.database import Client, Database
from tests.dashboard.operated import Slow, Steps, over
from tests.storage.failing import failing
from tests.support.limits import hastily

SOMEBODY = Principal(Kind.ADMIN, DEFAULT_MERCHANT, "0" * 12, "somebody")


def _table(slow: Slow, clock: ManualClock) -> Table:
    return Table(by_name([slow.job]), clock)


async def test_it_is_listed_as_running_when_begun_and_as_done_at_its_end(
    database: Database, clock: ManualClock
) -> None:
    slow = Slow()
    table = _table(slow, clock)
    assert await begin_job("slow", table, SOMEBODY) == "begun"
    [run] = await runs_of("slow", table, limit=9)
    assert run.state == "running"
    assert await begin_job("slow", table, SOMEBODY) == "under way"
    slow.let_go.set()
    await over(table)
    [run] = await runs_of("slow", table, limit=9)
    assert (run.state, run.figures) == ("done", {"steps": 7})
    assert table.under_way == set()


async def test_fifty_that_begin_at_once_begin_one(database: Database, clock: ManualClock) -> None:
    slow = Slow()
    table = _table(slow, clock)
    told = await asyncio.gather(*(begin_job("slow", table, SOMEBODY) for _ in range(50)))
    assert sorted(told) == ["begun"] + 49 * ["under way"]
    slow.let_go.set()
    await over(table)


async def test_what_fails_after_it_began_is_listed_and_logged(
    database: Database, clock: ManualClock
) -> None:
    class Failing(Slow):
        async def work(self, report: Steps, turn: Turn) -> None:
            raise ValueError("no")

    table = _table(Failing(), clock)
    with structlog.testing.capture_logs() as logs:
        assert await begin_job("slow", table, SOMEBODY) == "begun"
        await over(table)
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["job failed"]
    [run] = await runs_of("slow", table, limit=9)
    assert (run.state, run.error) == ("failed", "ValueError: the log of the service says more.")


async def test_what_keeps_it_from_beginning_is_raised(
    database: Database, client: Client, clock: ManualClock
) -> None:
    table = _table(Slow(), clock)
    with pytest.raises(JobNotFound):
        await begin_job("tset", table, SOMEBODY)
    async with failing(client, ["findAndModify"], errorCode=91):
        with hastily(), pytest.raises(Unavailable):
            await begin_job("slow", table, SOMEBODY)
    assert table.under_way == set()


async def test_it_ends_with_its_process_and_what_hangs_is_let_go(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Patient(Slow):
        async def work(self, report: Steps, turn: Turn) -> None:
            while not turn.until.over:
                await asyncio.sleep(0)
                report.steps += 1

    table = _table(Patient(), clock)
    async with ending_with(table):
        assert await begin_job("slow", table, SOMEBODY) == "begun"
        assert len(table.under_way) == 1
    assert table.under_way == set()
    assert [run.state for run in await runs_of("slow", table, limit=9)] == ["done"]
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.01)
    clock.advance(timedelta(seconds=1))
    table = _table(Slow(), clock)
    async with ending_with(table):
        assert await begin_job("slow", table, SOMEBODY) == "begun"
    latest, _ = await runs_of("slow", table, limit=9)
    assert latest.state == "lost"
