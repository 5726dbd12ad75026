"""What goes over the wire about a period, in the shapes of the engine's first version."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from service.analytics.operations.figures import (
    Figures,
    figures_of,
    rounded,
    total_by,
    total_of,
    trend_of,
)
from service.analytics.operations.folding import Bucket
from service.analytics.operations.glancing import OfPeriod
from service.analytics.operations.periods import FIRST_WEEKDAY
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import Interval, begin_of, following
from service.analytics.repository.facts import Span
from service.analytics.schemas.common import (
    FiguresAnswer,
    PaymentLine,
    PeriodLine,
    payment_lines,
)
from service.analytics.schemas.shares import resource_lines
from service.analytics.states import Counts
from service.core.views import view_of
from service.payments.payments.states import PaymentStatus

Buckets = Sequence[Bucket]


class Money(Struct, frozen=True, rename="camel", kw_only=True):
    """An amount, and by how much percent it grew; null where nothing was before."""

    total: int
    currency: str
    growth: float | None
    refunded: int
    lost: int
    net: int


class Transactions(Struct, frozen=True, rename="camel", kw_only=True):
    """How many payments there were."""

    total: int
    successful: int
    failed: int
    success_rate: float
    growth: float | None


class Amount(Struct, frozen=True):
    """An amount in minor units."""

    amount: int
    currency: str


class TopResource(Struct, frozen=True):
    """What brought in most."""

    url: str
    revenue: int
    count: int


class Overview(Struct, frozen=True, rename="camel", kw_only=True):
    """A period at a glance."""

    revenue: Money
    transactions: Transactions
    average_value: Amount
    unique_payers: int
    top_resource: TopResource | None
    recent_transactions: list[PaymentLine]


class OverviewAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """A period at a glance."""

    overview: Overview
    period: PeriodLine


def overview_answer(shown: Shown, period: PeriodLine, found: OfPeriod) -> OverviewAnswer:
    """Show a period at a glance."""
    now, then = (figures_of(total_of(one)) for one in (found.current, found.previous))
    top = resource_lines(found.current, "revenue")[:1]
    overview = Overview(
        revenue=Money(
            total=now.revenue,
            currency=shown.currency,
            growth=trend_of(now.revenue, then.revenue).change_percent,
            refunded=now.refunded,
            lost=now.lost,
            net=now.net_revenue,
        ),
        transactions=Transactions(
            total=now.transaction_count,
            successful=now.successful_count,
            failed=now.failed_count,
            success_rate=now.success_rate,
            growth=trend_of(now.transaction_count, then.transaction_count).change_percent,
        ),
        average_value=Amount(now.average_value, shown.currency),
        unique_payers=found.payers,
        top_resource=TopResource(top[0].url, top[0].revenue, top[0].count) if top else None,
        recent_transactions=payment_lines(found.recent),
    )
    return view_of(OverviewAnswer, shown, overview=overview, period=period)


class RevenueLine(Struct, frozen=True, rename="camel", kw_only=True):
    """The hour, day, week or month that begins at `time`."""

    time: datetime
    revenue: int
    net_revenue: int
    count: int


class Revenue(Struct, frozen=True, kw_only=True):
    """What came in; `average` is of a line, rounded."""

    data: list[RevenueLine]
    total: int
    average: int
    currency: str


class RevenueAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """What came in over time."""

    revenue: Revenue
    period: PeriodLine


def revenue_answer(shown: Shown, span: Span, interval: Interval, buckets: Buckets) -> RevenueAnswer:
    """Show what came in over time, also where nothing did."""
    data = [
        RevenueLine(
            time=at, revenue=one.revenue, net_revenue=one.net_revenue, count=one.successful_count
        )
        for at, one in _over_time(shown, span, interval, buckets)
    ]
    total = sum(one.revenue for one in data)
    revenue = Revenue(
        data=data, total=total, average=rounded(total, len(data)), currency=shown.currency
    )
    return view_of(
        RevenueAnswer, shown, revenue=revenue, period=PeriodLine(*span, interval=interval)
    )


def _over_time(
    shown: Shown, span: Span, interval: Interval, buckets: Buckets
) -> list[tuple[datetime, Figures]]:
    first = FIRST_WEEKDAY[shown.merchant.language]
    totals = total_by(buckets, lambda one: begin_of(one.at, interval, shown.zone, first))
    lines, at = [], begin_of(span[0], interval, shown.zone, first)
    while at < span[1]:
        lines.append((at, figures_of(totals.get(at, {}))))
        at = following(at, interval, shown.zone, first)
    return lines


class OfStatus(Struct, frozen=True):
    """The payments that stand so; `revenue` is their amount, counted as revenue or not."""

    status: str
    count: int
    revenue: int


class OfCurrency(Struct, frozen=True):
    """The payments in one currency; `revenue` in its minor units."""

    currency: str
    count: int
    revenue: int


class OfTime(Struct, frozen=True, kw_only=True):
    """The payments of the hour, day, week or month that begins at `time`."""

    time: datetime
    count: int
    settled: int
    failed: int
    pending: int


class TransactionMetrics(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Payments by what was asked for."""

    by_status: list[OfStatus] | None = None
    by_currency: list[OfCurrency] | None = None
    by_time: list[OfTime] | None = None


class TransactionsAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Payments by status, currency or time."""

    metrics: TransactionMetrics
    period: PeriodLine


def by_status(shown: Shown, span: Span, buckets: Buckets) -> TransactionsAnswer:
    """Show payments by how they stand now."""
    total = total_of(buckets)
    lines = [
        OfStatus(one.value, total[f"payment:{one.value}"], total[f"payment:{one.value}:amount"])
        for one in PaymentStatus
        if total[f"payment:{one.value}"]
    ]
    metrics = TransactionMetrics(by_status=lines)
    return view_of(TransactionsAnswer, shown, metrics=metrics, period=PeriodLine(*span))


def by_currency(shown: Shown, span: Span, buckets: Buckets) -> TransactionsAnswer:
    """Show payments by currency: they are never added up."""
    totals: Mapping[str, Counts] = total_by(buckets, lambda one: one.currency)
    lines = [
        OfCurrency(currency, counts.get("payment", 0), counts.get("gross", 0))
        for currency, counts in sorted(totals.items())
        if counts.get("payment", 0)
    ]
    metrics = TransactionMetrics(by_currency=lines)
    return view_of(TransactionsAnswer, shown, metrics=metrics, period=PeriodLine(*span))


def by_time(shown: Shown, span: Span, interval: Interval, buckets: Buckets) -> TransactionsAnswer:
    """Show payments over time."""
    lines = [
        OfTime(
            time=at,
            count=one.transaction_count,
            settled=one.successful_count,
            failed=one.failed_count,
            pending=one.transaction_count - one.successful_count - one.failed_count,
        )
        for at, one in _over_time(shown, span, interval, buckets)
    ]
    metrics = TransactionMetrics(by_time=lines)
    period = PeriodLine(*span, interval=interval)
    return view_of(TransactionsAnswer, shown, metrics=metrics, period=period)
