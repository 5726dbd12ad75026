"""What goes over the wire about just now, and about now against before."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from service.analytics.operations.comparing import Now, Period
from service.analytics.operations.figures import (
    Change,
    figures_of,
    grouped,
    payers_of,
    total_by,
    total_of,
)
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import LABELS, day_of, days_between
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.schemas.common import (
    FiguresAnswer,
    PaymentLine,
    Totals,
    Trends,
    payment_lines,
    trends_of,
)
from service.core.views import view_of

Buckets = Sequence[Bucket]


class Today(Totals, frozen=True, rename="camel", kw_only=True):
    """Today until now."""

    unique_payers: int


class LiveNow(Struct, frozen=True, rename="camel", kw_only=True):
    """Sessions that wait to be paid or for their money, and the latest successful payments."""

    pending_transactions: int
    active_verifications: int
    recent_payments: list[PaymentLine]


class RealtimeMetrics(Struct, frozen=True, rename="camel", kw_only=True):
    """The hour that has begun, today until now, and what is going on."""

    current_hour: Totals
    today: Today
    live: LiveNow


class RealtimeAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """What happens just now."""

    metrics: RealtimeMetrics


def realtime_answer(shown: Shown, now: Now) -> RealtimeAnswer:
    """Show what happens just now."""
    metrics = RealtimeMetrics(
        current_hour=view_of(Totals, figures_of(total_of(now.hour))),
        today=view_of(Today, figures_of(total_of(now.today)), unique_payers=payers_of(now.today)),
        live=LiveNow(
            pending_transactions=now.live.pending,
            active_verifications=now.live.processing,
            recent_payments=payment_lines(now.recent),
        ),
    )
    return view_of(RealtimeAnswer, shown, metrics=metrics)


class Compared(Struct, frozen=True, rename="camel", kw_only=True):
    """Parts of this day, week and month, each with the equal part of the one before."""

    today: Change
    this_week: Change
    this_month: Change


class DashboardMetrics(Struct, frozen=True, rename="camel", kw_only=True):
    """Now against before."""

    revenue: Compared
    net_revenue: Compared
    transactions: Compared
    success_rate: Compared
    average_value: Compared


class DashboardAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Now against before."""

    metrics: DashboardMetrics


def dashboard_answer(shown: Shown, pairs: Sequence[Buckets]) -> DashboardAnswer:
    """Show today, this week and this month, each followed by what it is compared with."""
    totals = [figures_of(total_of(one)) for one in pairs]
    trends = [trends_of(totals[n], totals[n + 1]) for n in range(0, len(totals), 2)]
    metrics = DashboardMetrics(
        **{
            name: Compared(
                today=getattr(trends[0], name),
                this_week=getattr(trends[1], name),
                this_month=getattr(trends[2], name),
            )
            for name in Trends.__struct_fields__
        }
    )
    return view_of(DashboardAnswer, shown, metrics=metrics)


class TrendHour(Totals, frozen=True, rename="camel", kw_only=True):
    """One hour of a day; where clocks go back there are two of one number."""

    hour: int
    label: str
    begins_at: datetime


class TrendDay(Totals, frozen=True, rename="camel", kw_only=True):
    """One day."""

    date: date
    unique_payers: int


class TrendLine(Struct, frozen=True, rename="camel", kw_only=True):
    """A part of a time until now, against the equal part of the one before.

    `current`, `previous` and the rest beside them are of the revenue. `hourly` is of today,
    `daily` of a week or a month.
    """

    current: int | float
    previous: int | float
    change: int | float
    change_percent: float | None
    direction: str
    revenue: Change
    net_revenue: Change
    transactions: Change
    success_rate: Change
    average_value: Change
    hourly: list[TrendHour] | None = None
    daily: list[TrendDay] | None = None


class TrendAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """A part of a time until now, against the equal part of the one before."""

    period: str
    trends: TrendLine


def trend_answer(shown: Shown, period: Period, span: Span, of: Sequence[Buckets]) -> TrendAnswer:
    """Show the buckets of one time against those of the one before, by hour or by day."""
    current, previous = of
    compared = trends_of(figures_of(total_of(current)), figures_of(total_of(previous)))
    lines = hour_lines(current, span, shown.zone) if period == "today" else None
    of_revenue = structs.asdict(compared.revenue)
    trends = view_of(
        TrendLine,
        compared,
        **of_revenue,
        hourly=lines,
        daily=day_lines(current, span, shown.zone) if lines is None else None,
    )
    return view_of(TrendAnswer, shown, period=period, trends=trends)


def hour_lines(buckets: Buckets, span: Span, zone: ZoneInfo) -> list[TrendHour]:
    """Show each hour of a time, also those in which nothing happened."""
    by_hour = total_by(buckets, lambda one: hour_of(one.at, zone))
    lines, at = [], hour_of(span[0], zone)
    while at < span[1]:
        hour = at.astimezone(zone).hour
        totals = figures_of(by_hour.get(at, {}))
        lines.append(view_of(TrendHour, totals, hour=hour, label=LABELS[hour], begins_at=at))
        at = hour_of(at + timedelta(hours=1), zone)
    return lines


def hour_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Return when the hour of a zone's clock begins that a moment is in."""
    wall = at.astimezone(zone)
    return at - timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)


def day_lines(buckets: Buckets, span: Span, zone: ZoneInfo) -> list[TrendDay]:
    """Show each day of a time, also those on which nothing happened."""
    by_day = grouped(buckets, lambda one: day_of(one.at, zone))
    return [
        view_of(
            TrendDay,
            figures_of(total_of(by_day.get(day, ()))),
            date=day,
            unique_payers=payers_of(by_day.get(day, ())),
        )
        for day in days_between(*span, zone)
    ]
