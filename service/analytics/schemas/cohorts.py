"""What goes over the wire about when customers first came and first paid."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import accumulate

from msgspec import Struct

from service.analytics.operations.cohorts import Cohort
from service.analytics.operations.figures import percent
from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer
from service.core.views import view_of


class CohortWeek(Struct, frozen=True, rename="camel", kw_only=True):
    """How many first paid so many weeks after they first came, and which share has until then."""

    week: int
    paid: int
    paid_until_then: float


class CohortLine(Struct, frozen=True, rename="camel", kw_only=True):
    """The customers who first came in the week that begins on a day."""

    week: date
    customers: int
    paid: int
    paid_rate: float
    weeks: list[CohortWeek]


class CohortsAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Customers by the week in which they first came, the latest first.

    `madeAt` is when they were added up, which is `asOf` then, too; null, and there are none, until
    the job `cohorts` has run for the first time.
    """

    weeks: int
    made_at: datetime | None
    cohorts: list[CohortLine]


def cohorts_answer(
    shown: Shown, weeks: int, made_at: datetime | None, found: Sequence[Cohort]
) -> CohortsAnswer:
    """Show when customers first came and first paid."""
    lines = [_line(one) for one in found]
    as_of = made_at or shown.as_of
    return view_of(CohortsAnswer, shown, weeks=weeks, cohorts=lines, as_of=as_of, made_at=made_at)


def _line(cohort: Cohort) -> CohortLine:
    until_then = accumulate(cohort.paid)
    paid = sum(cohort.paid)
    weeks = [
        CohortWeek(week=n, paid=count, paid_until_then=percent(so_far, cohort.customers))
        for n, (count, so_far) in enumerate(zip(cohort.paid, until_then, strict=True))
    ]
    return CohortLine(
        week=cohort.week,
        customers=cohort.customers,
        paid=paid,
        paid_rate=percent(paid, cohort.customers),
        weeks=weeks,
    )
