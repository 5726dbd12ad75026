"""When customers first came, and how many weeks later they first paid."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from msgspec import Struct

from service.analytics.operations.asking import ask
from service.analytics.operations.periods import DAY, FIRST_WEEKDAY, day_of, start_of, week_of
from service.analytics.operations.services import FiguresServices, Shown
from service.analytics.operations.sweeping import WITHIN_S
from service.analytics.repository import cohorts, facts
from service.analytics.repository.cohorts import Cell
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.storage.answering import answers_in_time
from service.storage.database import Row

MOST_WEEKS: Final = 52
_KEPT: Final = (MOST_WEEKS + 2) * 7 * DAY
_ADDED_WITHIN_S: Final = 150.0


class Cohort(Struct, frozen=True):
    """Customers who first came in a week, and how many of them first paid so many weeks later.

    `paid` has an entry for each week that has begun since.
    """

    week: date
    customers: int
    paid: Sequence[int]


class CohortReport(Report):
    """How many series of customers a run has added up: one a merchant and currency.

    It changes nothing that was recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.added_up = 0


async def add_up_customers(services: FiguresServices, report: CohortReport, turn: Turn) -> None:
    """Add up the customers of each merchant that has changed. Raises `Unavailable`, `LeaseLost`."""
    async with answers_in_time(WITHIN_S):
        states = await facts.states()
    for state in states:
        for currency in state.currencies:
            if turn.until.over:
                return
            async with answers_in_time(WITHIN_S):
                if await cohorts.version_of(state.id, currency) == state.written:
                    continue
            now = state.read_at
            async with answers_in_time(_ADDED_WITHIN_S):
                cells = await cohorts.add_up(state.id, currency, now - _KEPT)
            report.added_up += 1
            of: Row = {"_id": f"{state.id}:{currency}", "madeAt": now, "version": state.written}
            if turn.lease is not None:
                await under(turn.lease, partial(cohorts.put, of, cells), WITHIN_S)


async def read_cohorts(shown: Shown, weeks: int) -> tuple[datetime | None, list[Cohort]]:
    """Return as of when, and the cohorts of the last weeks, the latest first.

    None, and no cohort, until the job has added them up for the first time. Raises
    `NoSuchCurrency`, and `Unavailable`.
    """
    await ask(shown, [])
    async with answers_in_time(WITHIN_S):
        found = await cohorts.read(shown.merchant.id, shown.currency)
    if found is None:
        return None, []
    made_at, cells = found
    return made_at, cohorts_of(cells, shown, made_at, weeks)


def cohorts_of(cells: Sequence[Cell], shown: Shown, made_at: datetime, weeks: int) -> list[Cohort]:
    """Return the cohorts of the last weeks, the latest first."""
    first = FIRST_WEEKDAY[shown.merchant.language]
    by_week: dict[date, Counter[int | None]] = defaultdict(Counter)
    for one in cells:
        by_week[week_of(day_of(one.at, shown.zone), first)][one.week] += one.n
    latest = week_of(day_of(made_at, shown.zone), first)
    begun = [latest - n * 7 * DAY for n in range(weeks)]
    return [_cohort(week, by_week[week], shown, made_at) for week in begun]


def _cohort(week: date, counts: Counter[int | None], shown: Shown, made_at: datetime) -> Cohort:
    since = (made_at - start_of(week, shown.zone)) // timedelta(weeks=1)
    paid = [counts[n] for n in range(max(since, 0) + 1)]
    return Cohort(week, counts.total(), paid)
