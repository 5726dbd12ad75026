"""`tillgate jobs`: list, run, pause and resume what a CronJob calls over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import rich_click as click

from service.cli.container import T, with_container
from service.cli.job_runs import showing_progress
from service.cli.listing import Found, Rows, lists
from service.cli.manifests import cron_job
from service.cli.options import Named, data_dir_option, operator
from service.cli.screen import say, show, show_table
from service.core.clock import SystemClock
from service.jobs.operations.job import Report, Table
from service.jobs.operations.listing import Listed, done_in, list_jobs, runs_of
from service.jobs.operations.pausing import pause_job, resume_job
from service.jobs.operations.run import run_job
from service.jobs.operations.telling import called, status_of, trouble
from service.jobs.repository import RUNS_KEPT
from service.wiring import ALL_JOBS

_NAMES = [about.name for about in ALL_JOBS]
_the_job = click.argument("name", metavar="JOB", type=Named(_NAMES))


@click.group()
def command() -> None:
    """List, run, pause and resume the jobs. Two runs of one job at once do the work once."""


@command.command("list")
@data_dir_option
@lists
def list_all(data_dir: Path) -> Found:
    """List the jobs: when they are called, how they stand, what their last run did.

    Below them stands why one is late, paused or failed.
    """
    listed, now = _with_table(data_dir, list_jobs), SystemClock().now()
    columns = ("job", "does", "called", "status", "last run", "did")
    rows = [_line(one, now) for one in listed]
    troubles = {one.about.name: trouble(one, now) for one in listed}
    notes = [f"{name}: {why}" for name, why in troubles.items() if why is not None]
    return Found([Rows("jobs", columns, rows)], notes=notes)


@command.command("runs")
@_the_job
@click.option("--limit", type=click.IntRange(1, RUNS_KEPT), default=20, show_default=True)
@data_dir_option
@lists
def runs(name: str, *, limit: int, data_dir: Path) -> Found:
    """List the last runs of a job, the latest first; one that is under way with its progress."""
    found = _with_table(data_dir, lambda table: runs_of(name, table, limit=limit))
    rows = [
        (run.started_at, run.ended_at, run.state, run.by, done_in(run), run.error) for run in found
    ]
    columns = ("began", "ended", "state", "by", "did", "error")
    return Found([Rows("runs", columns, rows, f"{name} has not run yet.")])


@command.command("run")
@_the_job
@click.option("--dry-run", is_flag=True, help="Count what it would do, and touch nothing.")
@data_dir_option
def run(name: str, *, dry_run: bool, data_dir: Path) -> None:
    """Run a job, directly on the database."""

    async def work(table: Table) -> Report:
        async with showing_progress(name, table):
            return await run_job(name, table, operator(), dry_run=dry_run)

    report = _with_table(data_dir, work)
    rows = [(figure.replace("_", " "), value) for figure, value in vars(report).items()]
    show_table(("", "would be" if dry_run else "done"), rows, empty="")
    if report.paused:
        say(f"{name} is paused and did nothing. Let it run again: tillgate jobs resume {name}")


@command.command("pause")
@_the_job
@data_dir_option
def pause(name: str, *, data_dir: Path) -> None:
    """Let nobody run a job until it is resumed; a run that is under way ends after its batch."""
    changed = _with_table(data_dir, lambda table: pause_job(name, table, operator()))
    say(f"{name} is paused." if changed else f"{name} was paused already.")


@command.command("resume")
@_the_job
@data_dir_option
def resume(name: str, *, data_dir: Path) -> None:
    """Let a paused job run again, when it is called next."""
    changed = _with_table(data_dir, lambda table: resume_job(name, table, operator()))
    say(f"{name} runs again." if changed else f"{name} was not paused.")


@command.command("manifests")
def manifests() -> None:
    """Print the CronJobs of all jobs that are called by the clock, for Kubernetes."""
    show("---\n".join(cron_job(about) for about in ALL_JOBS if about.every is not None).rstrip())


def _with_table(data_dir: Path, do: Callable[[Table], Awaitable[T]]) -> T:
    return with_container(data_dir, lambda container: do(container.job_table))


def _line(listed: Listed, now: datetime) -> tuple[object, ...]:
    about = listed.about
    last = listed.runs[0] if listed.runs else None
    did = last and done_in(last)
    status, began = status_of(listed, now), last and last.started_at
    return about.name, about.does, called(about), status, began, did
