"""The jobs of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from service.analytics.operations.cohorts import CohortReport, add_up_customers
from service.analytics.operations.giving_way import giving_way
from service.analytics.operations.refreshing import (
    EVERYTHING,
    FiguresReport,
    count_marked,
    refresh,
)
from service.analytics.operations.services import FiguresServices
from service.analytics.operations.watching import WatchReport, watch_hours
from service.jobs.operations.job import About, Job, Table, Turn, by_name

FIGURES = About(
    "figures", "reads what has changed, and adds up what that touches", every=timedelta(minutes=1)
)
UNUSUAL = About(
    "unusual", "looks whether the last hour was unlike others", every=timedelta(minutes=5)
)

COHORTS = About(
    "cohorts", "adds up when customers first came and first paid", every=timedelta(hours=1)
)

ABOUT: Sequence[About] = (FIGURES, UNUSUAL, COHORTS)

ROLLUPS: Final = "rollups"
AGGREGATES: Sequence[str] = (*EVERYTHING, ROLLUPS)
"""What can be refreshed by itself: the facts of one collection, webhooks, or what is marked."""


def figures_jobs(services: FiguresServices) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    watch = partial(watch_hours, services)
    cohorts = partial(add_up_customers, services)
    return (
        Job(FIGURES, FiguresReport, partial(_refresh, services), count_marked),
        Job(UNUSUAL, WatchReport, watch, watch),
        Job(COHORTS, CohortReport, cohorts, cohorts),
    )


async def _refresh(services: FiguresServices, report: FiguresReport, turn: Turn) -> None:
    behind = replace(turn, until=giving_way(turn.until, services.rush))
    await refresh(services.clock, report, behind)


def narrowed(table: Table, aggregate: str) -> Table:
    """Return a table whose job reads the rows of one aggregate alone, under the same lease."""
    only = () if aggregate == ROLLUPS else (aggregate,)
    work = partial(refresh, table.clock, only=only)
    alone: Sequence[Job[Any]] = (Job(FIGURES, FiguresReport, work, count_marked),)
    return replace(table, jobs=by_name(alone))
