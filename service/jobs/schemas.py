"""What goes over the wire about jobs."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, TypeAlias

from msgspec import Struct

from service.core.views import view_of
from service.jobs.documents import JobRun, RunState
from service.jobs.operations.job import Report
from service.jobs.operations.listing import Listed
from service.storage.documents import wire_name
from service.web.wire import WireModel


class RunJob(WireModel):
    """Runs a job; `dryRun` counts what it would do, and touches nothing."""

    example: ClassVar = {"dryRun": True}

    dry_run: bool = False


JobAnswer: TypeAlias = dict[str, str | int | bool]
"""`job`, `tookMs`, `dryRun`, `skipped`, `paused`, and the counts of the job's own report."""


class RunView(Struct, frozen=True, rename="camel"):
    """A run: its `counts` so far, or at its end; `lost` is one that ended without saying so."""

    by: str
    started_at: datetime
    ended_at: datetime | None
    state: RunState
    counts: dict[str, int]
    error: str | None


class JobView(Struct, frozen=True, rename="camel"):
    """A job: what it does, when it is called (by hand where `schedule` is null), its last runs."""

    name: str
    does: str
    route: str
    schedule: str | None
    paused_at: datetime | None
    runs: Sequence[RunView]


class JobsAnswer(Struct, frozen=True, rename="camel"):
    """All jobs."""

    jobs: Sequence[JobView]


def report_view(report: Report) -> JobAnswer:
    """Show a report."""
    return {wire_name(name): value for name, value in vars(report).items()}


def job_view(listed: Listed) -> JobView:
    """Show a job as it stands."""
    runs = [_run_view(run) for run in listed.runs]
    about = listed.about
    schedule = about.cron if about.every is not None else None
    return view_of(JobView, about, schedule=schedule, paused_at=listed.paused_at, runs=runs)


def _run_view(run: JobRun) -> RunView:
    counts = {wire_name(name): count for name, count in run.figures.items()}
    return view_of(RunView, run, counts=counts)
