"""The job of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from service.analytics.operations.refreshing import FiguresReport, count_marked, refresh
from service.analytics.repository.sources import SOURCES
from service.core.clock import Clock
from service.jobs.operations.job import About, Job, Table, by_name

FIGURES = About(
    "figures", "reads what has changed, and adds up what that touches", every=timedelta(minutes=1)
)

ABOUT: Sequence[About] = (FIGURES,)

ROLLUPS: Final = "rollups"
AGGREGATES: Sequence[str] = (*SOURCES, ROLLUPS)
"""What can be refreshed by itself: the facts of one collection, or only what is marked."""


def figures_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    return (Job(FIGURES, FiguresReport, partial(refresh, clock), count_marked),)


def narrowed(table: Table, aggregate: str) -> Table:
    """Return a table whose job reads the rows of one aggregate alone, under the same lease."""
    only = () if aggregate == ROLLUPS else (aggregate,)
    work = partial(refresh, table.clock, only=only)
    alone: Sequence[Job[Any]] = (Job(FIGURES, FiguresReport, work, count_marked),)
    return replace(table, jobs=by_name(alone))
