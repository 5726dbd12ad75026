"""The job of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.core.clock import Clock
from service.jobs.operations.job import About, Job
from service.reports.operations.running import ClosingReport, close_due

REPORTS = About(
    "reports",
    "closes each merchant's months three days after their end, once they agree with the books",
    every=timedelta(hours=1),
)

ABOUT: Sequence[About] = (REPORTS,)


def report_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work = partial(close_due, clock)
    return (Job(REPORTS, ClosingReport, work, work),)
