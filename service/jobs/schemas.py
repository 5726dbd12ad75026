"""What goes over the wire about jobs."""

from typing import TypeAlias

from service.jobs.operations.job import Report
from service.storage.documents import wire_name
from service.web.wire import WireModel


class RunJob(WireModel):
    """Runs a job; `dryRun` counts what it would do, and touches nothing."""

    dry_run: bool = False


JobAnswer: TypeAlias = dict[str, str | int | bool]
"""`job`, `tookMs`, `dryRun`, `skipped`, `paused`, and the counts of the job's own report."""


def job_view(report: Report) -> JobAnswer:
    """Show a report."""
    return {wire_name(name): value for name, value in vars(report).items()}
