"""What is answered about many leads: their figures, how they are kept, what was cleaned up."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from service.core.views import view_of
from service.intents.operations.analytics import Analytics, Steps
from service.intents.operations.health import Health
from service.intents.operations.orders import Cleaned, Order
from service.intents.operations.services import IntentServices
from service.intents.operations.trends import Trend
from service.intents.repository import AmountBucket, JourneySum
from service.intents.schemas.answers import Said, StatsView, stats_view


class PeriodView(Struct, frozen=True, rename="camel"):
    """From when to when, the end excluded; days begin in `zone`."""

    start_date: datetime
    end_date: datetime
    zone: str


class TimeView(Struct, frozen=True):
    """Leads by hour of the day, day, ISO week and month of the merchant's zone."""

    hourly: Sequence[Trend]
    daily: Sequence[Trend]
    weekly: Sequence[Trend]
    monthly: Sequence[Trend]


class UsersView(Struct, frozen=True, rename="camel"):
    """What leads came from. `sessions` says how many journeys have how many leads (10: or more)."""

    user_agents: Mapping[str, Mapping[str, int]]
    unparsed: int
    sessions: Sequence[JourneySum]


class FunnelView(Struct, frozen=True, rename="camel"):
    """How many leads came how far, and the share of those that were paid for; null without any."""

    intents: int
    sessions: int
    attempted: int
    paid: int
    conversion_rate: float | None


class PlanView(Struct, frozen=True, rename="camel"):
    """How a plan does; `asked_for` in minor units."""

    plan_name: str
    asked_for: int
    funnel: FunnelView


class BusinessView(Struct, frozen=True, rename="camel"):
    """What became of leads, and of the plans that are wanted most."""

    funnel: FunnelView
    plans: Sequence[PlanView]


class AnalyticsView(Struct, frozen=True, rename="camel"):
    """The figures of a time, in one currency."""

    period: PeriodView
    basic_stats: StatsView
    distribution: Sequence[AmountBucket]
    time_analysis: TimeView
    user_analysis: UsersView
    business_intelligence: BusinessView


class IntentAnalyticsAnswer(Said, frozen=True, kw_only=True):
    """The figures of a time."""

    data: AnalyticsView


class RangeView(Struct, frozen=True, rename="camel"):
    """The oldest and the latest lead; null without any."""

    start: datetime | None
    end: datetime | None


class HealthView(Struct, frozen=True, rename="camel"):
    """How leads are kept. Files are those of the archive; `total_size` is about that of the leads.

    `status` is `healthy` or `needs_cleanup`, where the job does not delete what is due.
    """

    status: str
    total_files: int
    archive_size: int
    total_records: int
    total_size: int
    date_range: RangeView
    retention_days: float
    due: int
    unparsed_agents: int
    needs_cleanup: bool
    recommendations: Sequence[str]


class HealthAnswer(Said, frozen=True, kw_only=True):
    """How leads are kept, and what should be done."""

    data: HealthView


class CleanedView(Struct, frozen=True, rename="camel"):
    """What was cleaned up, or with `dry_run` would be. `remaining`: call again."""

    dry_run: bool
    before: datetime
    found: int
    deleted: int
    archived: int
    remaining: int
    files: Sequence[str]


class CleanedAnswer(Said, frozen=True, kw_only=True):
    """What was cleaned up."""

    data: CleanedView


def analytics_answer(found: Analytics) -> IntentAnalyticsAnswer:
    """Show figures."""
    period = PeriodView(found.period.since, found.period.until, found.period.zone)
    plans = [PlanView(one.plan_name, one.amount, _funnel(one.steps)) for one in found.plans]
    return IntentAnalyticsAnswer(
        data=AnalyticsView(
            period=period,
            basic_stats=stats_view(found.asked),
            distribution=found.distribution,
            time_analysis=view_of(TimeView, found.trends),
            user_analysis=UsersView(found.agents, found.unparsed, found.journeys),
            business_intelligence=BusinessView(_funnel(found.funnel), plans),
        )
    )


def health_answer(found: Health, advice: Sequence[str], services: IntentServices) -> HealthAnswer:
    """Show how leads are kept."""
    kept = found.kept
    return HealthAnswer(
        data=HealthView(
            status="healthy" if found.healthy else "needs_cleanup",
            total_files=found.archive.files,
            archive_size=found.archive.size,
            total_records=kept.count,
            total_size=kept.count * kept.average_bytes,
            date_range=RangeView(kept.oldest, kept.newest),
            retention_days=services.keep_for.total_seconds() / 86_400,
            due=found.due,
            unparsed_agents=found.unparsed,
            needs_cleanup=not found.healthy,
            recommendations=advice,
        )
    )


def cleaned_answer(done: Cleaned, order: Order) -> CleanedAnswer:
    """Show what was cleaned up."""
    view = view_of(CleanedView, done, dry_run=order.dry_run, before=order.before)
    return CleanedAnswer(data=view)


def _funnel(steps: Steps) -> FunnelView:
    rate = round(steps.paid / steps.intents, 4) if steps.intents else None
    return view_of(FunnelView, steps, conversion_rate=rate)
