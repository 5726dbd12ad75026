"""The job of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.analytics.operations.refreshing import FiguresReport, count_marked, refresh
from service.core.clock import Clock
from service.jobs.operations.job import About, Job

FIGURES = About(
    "figures", "reads what has changed, and adds up what that touches", every=timedelta(minutes=1)
)

ABOUT: Sequence[About] = (FIGURES,)


def figures_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    return (Job(FIGURES, FiguresReport, partial(refresh, clock), count_marked),)
