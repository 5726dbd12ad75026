"""Runs that nobody ended: they are listed as lost as soon as nobody can be at them any more."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs import repository
from service.jobs.operations.job import About, Job, Table, Turn, by_name
from service.jobs.operations.listing import list_jobs, runs_of
from service.jobs.operations.run import LEASE, run_job
from service.leases import repository as leases
from service.leases.errors import LeaseLost
from service.storage.database import Database
from tests.dashboard.operated import Steps

SOMEBODY = Principal(Kind.ADMIN, DEFAULT_MERCHANT, "0" * 12, "somebody")


async def _nothing(_: Steps, turn: Turn) -> None:
    pass


def _table(clock: ManualClock, work: Any = _nothing) -> Table:
    return Table(by_name([Job(About("test", "tests"), Steps, work, _nothing)]), clock)


async def _dies(clock: ManualClock) -> None:
    """Begin a run as a process does that is then killed: nobody ends it."""
    lease = await leases.claim("test", "the dead one", LEASE, clock)
    assert lease
    await repository.begin("test", lease.fence, "the dead one", clock.now())


async def _listed(table: Table) -> list[str]:
    [job] = await list_jobs(table, runs=9)
    states = [run.state for run in job.runs]
    assert states == [run.state for run in await runs_of("test", table, limit=9)]
    return states


async def test_a_run_whose_process_died_is_listed_as_lost_once_its_lease_has_run_out(
    database: Database, clock: ManualClock
) -> None:
    table = _table(clock)
    await _dies(clock)
    clock.advance(LEASE - timedelta(seconds=1))
    assert await _listed(table) == ["running"]
    clock.advance(timedelta(seconds=1))
    assert await _listed(table) == ["lost"]
    assert await database["job_runs"].count_documents({"state": "running"}) == 1  # nobody wrote it


async def test_beside_a_run_that_goes_on_a_dead_one_is_lost_and_the_next_run_writes_so(
    database: Database, clock: ManualClock
) -> None:
    seen: list[list[str]] = []

    async def look(_: Steps, turn: Turn) -> None:
        seen.append(await _listed(table))

    table = _table(clock, look)
    await _dies(clock)
    clock.advance(LEASE)
    await run_job("test", table, SOMEBODY)
    assert seen == [["running", "lost"]]
    assert await _listed(table) == ["done", "lost"]
    assert await database["job_runs"].count_documents({"state": "lost"}) == 1


async def test_a_run_that_ends_between_two_looks_is_not_taken_for_lost(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is given back after its end is noted, so a second look tells."""
    table, first = _table(clock), repository.last_runs
    await run_job("test", table, SOMEBODY)

    async def before_its_end(*given: Any) -> tuple[Any, ...]:
        monkeypatch.setattr(repository, "last_runs", first)
        return tuple([one.model_copy(update={"state": "running"}) for one in await first(*given)])

    monkeypatch.setattr(repository, "last_runs", before_its_end)
    assert [run.state for run in await runs_of("test", table, limit=9)] == ["done"]


async def test_a_run_that_lost_its_lease_keeps_nothing_and_says_so(
    database: Database, clock: ManualClock
) -> None:
    async def slow(_: Steps, turn: Turn) -> None:
        await turn.keep({"at": 1})
        clock.advance(LEASE)
        await turn.keep({"at": 2})

    table = _table(clock, slow)
    with pytest.raises(LeaseLost):
        await run_job("test", table, SOMEBODY)
    assert await _listed(table) == ["lost"]
    assert (await repository.standing("test")).reached == {"at": 1}


async def test_when_it_last_did_its_work_is_kept_and_no_failure_changes_that(
    database: Database, clock: ManualClock
) -> None:
    async def fails(_: Steps, turn: Turn) -> None:
        raise ValueError("no")

    done_at = clock.now()
    await run_job("test", _table(clock), SOMEBODY)
    clock.advance(timedelta(minutes=1))
    with pytest.raises(ValueError, match="no"):
        await run_job("test", _table(clock, fails), SOMEBODY)
    [state] = await repository.states()
    assert state.succeeded_at == done_at
