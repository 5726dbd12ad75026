"""What goes over the wire about what becomes of sessions."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from service.analytics.operations.figures import (
    grouped,
    part_of,
    percent,
    rounded,
    rounded_to_hundredths,
    total_of,
)
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import day_of, days_between
from service.analytics.operations.services import Shown
from service.analytics.operations.sessions import Health, Sessions
from service.analytics.repository.facts import Span
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import Counts, Part, named
from service.core.views import view_of
from service.sessions.states import Status

_LEFT = ("expired", "canceled", "failed")
_MINUTE_MS = 60_000


class Conversion(Struct, frozen=True, rename="camel", kw_only=True):
    """Sessions that were opened, and how many of these are completed."""

    total: int
    completed: int
    conversion_rate: float


class CheckoutPlan(Struct, frozen=True, rename="camel", kw_only=True):
    """The sessions for one plan, pass or event.

    `pending` ones may still be paid; `abandoned` are those and all that ended without a payment.
    """

    plan: str
    total: int
    completed: int
    pending: int
    abandoned: int
    abandonment_rate: float
    conversion_rate: float


class Times(Struct, frozen=True, rename="camel", kw_only=True):
    """How long sessions took from their opening on average, in milliseconds and in minutes."""

    count: int
    average_ms: int
    average_minutes: float


class CheckoutStatus(Struct, frozen=True, rename="camel", kw_only=True):
    """How many sessions stand so."""

    status: str
    count: int


class CheckoutDay(Struct, frozen=True, rename="camel", kw_only=True):
    """The sessions that were opened on a day, by how they stand now."""

    date: date
    total_sessions: int
    completed: int
    pending: int
    processing: int
    expired: int
    failed: int
    canceled: int
    conversion_rate: float


class HealthLine(Struct, frozen=True, rename="camel", kw_only=True):
    """Today: how many sessions were opened, how many of them completed, and which wait for long."""

    sessions_today: int
    completion_rate: float
    pending_older_than_hour: int


class Checkouts(Struct, frozen=True, rename="camel", kw_only=True):
    """What becomes of sessions. `byStatus` and `weekly` are of the last 7 days."""

    conversion: Conversion
    abandonment_by_plan: list[CheckoutPlan]
    time_to_complete: Times
    time_to_abandon: Times
    users_who_retry: int
    by_status: list[CheckoutStatus]
    health: HealthLine
    weekly: list[CheckoutDay]


class CheckoutsAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """What becomes of the sessions that were opened in the last days."""

    days: int
    checkouts: Checkouts


def checkouts_answer(shown: Shown, days: int, found: Sessions) -> CheckoutsAnswer:
    """Show what becomes of sessions."""
    total, week = total_of(found.buckets), total_of(found.week)
    checkouts = Checkouts(
        conversion=conversion_of(total),
        abandonment_by_plan=plans_of(found.buckets),
        time_to_complete=time_to_complete(total),
        time_to_abandon=time_to_abandon(total),
        users_who_retry=found.users_who_retry,
        by_status=[
            CheckoutStatus(status=one.value, count=week[f"session:{one.value}"]) for one in Status
        ],
        health=_health(found.health, total_of(found.today)),
        weekly=session_days(shown, found.week_span, found.week)[::-1],
    )
    return view_of(CheckoutsAnswer, shown, days=days, checkouts=checkouts)


def conversion_of(total: Counts) -> Conversion:
    """Show how many of the sessions that were opened are completed."""
    opened, completed = total.get("session", 0), total.get("session:completed", 0)
    return Conversion(total=opened, completed=completed, conversion_rate=percent(completed, opened))


def plans_of(buckets: Sequence[Bucket]) -> list[CheckoutPlan]:
    """Show the sessions for each plan, pass or event, the most abandoned first."""
    lines = []
    for item, counts in part_of(buckets, Part.ITEM).items():
        total, completed = counts["session"], counts["session:completed"]
        if not total:
            continue
        pending = counts["session:pending"]
        abandoned = total - completed - counts["session:processing"]
        lines.append(
            CheckoutPlan(
                plan=named(item),
                total=total,
                completed=completed,
                pending=pending,
                abandoned=abandoned,
                abandonment_rate=percent(abandoned, total),
                conversion_rate=percent(completed, total),
            )
        )
    return sorted(lines, key=lambda one: (-one.abandoned, -one.total, one.plan))


def time_to_complete(total: Counts) -> Times:
    """Show how long sessions took that are completed."""
    return _times(total, (Status.COMPLETED.value,))


def time_to_abandon(total: Counts) -> Times:
    """Show how long sessions took that ended without a payment."""
    return _times(total, _LEFT)


def _times(total: Counts, states: Sequence[str]) -> Times:
    count = sum(total.get(f"took:{state}", 0) for state in states)
    average = rounded(sum(total.get(f"tookMs:{state}", 0) for state in states), count)
    return Times(
        count=count, average_ms=average, average_minutes=rounded_to_hundredths(average, _MINUTE_MS)
    )


def _health(health: Health, today: Counter[str]) -> HealthLine:
    return HealthLine(
        sessions_today=today["session"],
        completion_rate=percent(today["session:completed"], today["session"]),
        pending_older_than_hour=health.pending_older_than_hour,
    )


def session_days(shown: Shown, span: Span, buckets: Sequence[Bucket]) -> list[CheckoutDay]:
    """Show the sessions of each day of a time, also those on which none was opened."""
    by_day = grouped(buckets, lambda one: day_of(one.at, shown.zone))
    lines = []
    for day in days_between(*span, shown.zone):
        total = total_of(by_day.get(day, ()))
        counts = {one.value: total[f"session:{one.value}"] for one in Status}
        rate = percent(counts["completed"], total["session"])
        lines.append(
            CheckoutDay(date=day, total_sessions=total["session"], conversion_rate=rate, **counts)
        )
    return lines
