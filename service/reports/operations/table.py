"""The job of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.core.clock import Clock
from service.jobs.operations.job import About, Job
from service.reports.operations.running import ClosingReport, report_due

REPORTS = About(
    "reports",
    "tells each merchant of its last week, and closes its months three days after their end",
    every=timedelta(hours=1),
)

ABOUT: Sequence[About] = (REPORTS,)


def report_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work = partial(report_due, clock)
    return (Job(REPORTS, ClosingReport, work, work),)
