"""`tillgate jobs run` says what a run has done so far, while it does it, and nothing besides."""

import asyncio
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from service.cli import job_runs, screen
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs.operations import noting
from service.jobs.operations.job import About, Job, Table, Turn, by_name
from service.jobs.operations.run import run_job
from service.storage.database import Database
from tests.dashboard.operated import Steps
from tests.support.patience import IN_TIME

SOMEBODY = Principal(Kind.ADMIN, DEFAULT_MERCHANT, "0" * 12, "somebody")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have progress noted and shown without a pause."""
    monkeypatch.setattr(noting, "PROGRESS_EVERY_S", 0.0)
    monkeypatch.setattr(job_runs, "PROGRESS_EVERY_S", 0.0)


def _table(clock: ManualClock, work: Any) -> Table:
    return Table(by_name([Job(About("long", "takes its time"), Steps, work, work)]), clock)


async def _said(capsys: pytest.CaptureFixture[str], words: str) -> None:
    said = ""
    while words not in said:
        await asyncio.sleep(0)
        said += capsys.readouterr().err


async def test_a_run_says_what_it_has_done_so_far(
    database: Database, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    async def long(report: Steps, _: Turn) -> None:
        await _said(capsys, "long is under way (nothing)\n")
        report.steps = 41
        await _said(capsys, "long is under way (steps: 41)\n")

    table = _table(clock, long)
    async with asyncio.timeout(IN_TIME), job_runs.showing_progress("long", table):
        await run_job("long", table, SOMEBODY)


async def test_of_a_run_that_is_over_nothing_is_said(
    database: Database, clock: ManualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dry run is none of those that are listed: the one before it is not told as its own."""
    looked: list[str] = []
    enough = asyncio.Event()

    async def work(report: Steps, turn: Turn) -> None:
        report.steps = 7
        if turn.lease is None:  # a dry run, which lasts until it was looked for
            await enough.wait()

    async def look(*given: Any, **kept: Any) -> Any:
        found = await runs_of(*given, **kept)
        looked.extend(run.state for run in found)
        if len(looked) == 3:
            enough.set()
        return found

    table, runs_of = _table(clock, work), job_runs.runs_of
    await run_job("long", table, SOMEBODY)
    with pytest.MonkeyPatch.context() as watched:
        watched.setattr(job_runs, "runs_of", look)
        async with asyncio.timeout(IN_TIME), job_runs.showing_progress("long", table):
            await run_job("long", table, SOMEBODY, dry_run=True)
    assert set(looked) == {"done"}
    assert "under way" not in capsys.readouterr().err


async def test_what_it_can_not_read_is_left_out_and_it_goes_on(
    database: Database,
    clock: ManualClock,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def away(*given: Any, **kept: Any) -> Any:
        monkeypatch.setattr(job_runs, "runs_of", runs_of)
        raise Unavailable("the database is away", retry_after=1)

    async def long(report: Steps, _: Turn) -> None:
        monkeypatch.setattr(job_runs, "runs_of", away)
        await _said(capsys, "under way (")

    table, runs_of = _table(clock, long), job_runs.runs_of
    async with asyncio.timeout(IN_TIME), job_runs.showing_progress("long", table):
        await run_job("long", table, SOMEBODY)


async def test_a_bar_says_in_a_pipe_how_much_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    left = 10

    async def count() -> int:
        return left

    async with asyncio.timeout(IN_TIME), job_runs.showing_bar("things", 10, count):
        await _said(capsys, "things: 0 of 10\n")
        left = 3
        await _said(capsys, "things: 7 of 10\n")
        left = 12  # others came meanwhile
        await _said(capsys, "things: 0 of 10\n")


async def test_a_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said meanwhile stands above it, and nothing of it is left."""
    assert screen.err() is screen.err()
    drawn, shown = StringIO(), asyncio.Event()
    console = Console(file=drawn, force_terminal=True, width=80)
    for module in (job_runs, screen):
        monkeypatch.setattr(module, "err", lambda: console)

    async def count() -> int:
        shown.set()
        return 4

    async with asyncio.timeout(IN_TIME), job_runs.showing_bar("things", 10, count):
        await shown.wait()
        screen.say("some are read")
    assert "things" in drawn.getvalue()
    assert "6/10" in drawn.getvalue()
    assert "\r\x1b[2Ksome are read\n" in drawn.getvalue()
    assert drawn.getvalue().endswith("\x1b[1A\x1b[2K")
