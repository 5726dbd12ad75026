"""What goes over the wire about a month."""

from datetime import date, datetime

from msgspec import Struct

from service.analytics.operations.figures import (
    figures_of,
    grouped,
    part_of,
    payers_of,
    percent,
    total_of,
)
from service.analytics.operations.periods import day_of, days_between
from service.analytics.operations.services import Shown
from service.analytics.schemas.back import named
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import Part
from service.core.views import view_of
from service.merchants.documents import Merchant
from service.reports.operations import Month

MOST_RESOURCES = 10


class MerchantInfo(Struct, frozen=True):
    """Whose report it is."""

    id: str
    name: str
    email: str | None


class ReportPeriod(Struct, frozen=True):
    """The month: when it begins and ends, in the merchant's zone, and what it is called."""

    start: datetime
    end: datetime
    month: str


class ReportSummary(Struct, frozen=True, rename="camel", kw_only=True):
    """The month at a glance."""

    total_revenue: int
    refunded: int
    lost: int
    net_revenue: int
    total_transactions: int
    successful_transactions: int
    failed_transactions: int
    success_rate: float
    average_transaction_value: int
    unique_payers: int


class ReportResource(Struct, frozen=True, rename="camel", kw_only=True):
    """A plan, pass or event."""

    url: str
    revenue: int
    transaction_count: int


class ReportMethod(Struct, frozen=True, kw_only=True):
    """A provider; `percentage` is its share of the successful payments."""

    type: str
    count: int
    revenue: int
    percentage: float


class ReportDay(Struct, frozen=True, rename="camel", kw_only=True):
    """One day of the month."""

    date: date
    revenue: int
    net_revenue: int
    transaction_count: int
    unique_payers: int


class MonthlyReport(Struct, frozen=True, rename="camel", kw_only=True):
    """A month of a merchant. `closed`: nothing of it changes any more."""

    merchant_info: MerchantInfo
    period: ReportPeriod
    closed: bool = False
    summary: ReportSummary
    top_resources: list[ReportResource]
    payment_methods: list[ReportMethod]
    daily_breakdown: list[ReportDay]


class MonthlyAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """A month of a merchant, as it stands now."""

    report: MonthlyReport


def monthly_answer(shown: Shown, month: Month) -> MonthlyAnswer:
    """Show a month as it stands now."""
    report = MonthlyReport(
        merchant_info=_info(shown.merchant),
        period=ReportPeriod(*month.span, f"{month.first:%B %Y}"),
        summary=_summary(month),
        top_resources=_resources(month),
        payment_methods=_methods(month),
        daily_breakdown=_days(shown, month),
    )
    return view_of(MonthlyAnswer, shown, report=report)


def _info(merchant: Merchant) -> MerchantInfo:
    to = merchant.mail_recipients
    return MerchantInfo(merchant.id, merchant.name, to[0] if to else merchant.mail_sender)


def _summary(month: Month) -> ReportSummary:
    figures = figures_of(total_of(month.buckets))
    return ReportSummary(
        total_revenue=figures.revenue,
        refunded=figures.refunded,
        lost=figures.lost,
        net_revenue=figures.net_revenue,
        total_transactions=figures.transaction_count,
        successful_transactions=figures.successful_count,
        failed_transactions=figures.failed_count,
        success_rate=figures.success_rate,
        average_transaction_value=figures.average_value,
        unique_payers=payers_of(month.buckets),
    )


def _resources(month: Month) -> list[ReportResource]:
    lines = [
        ReportResource(url=named(item), revenue=counts["gross"], transaction_count=counts["paid"])
        for item, counts in part_of(month.buckets, Part.ITEM).items()
        if counts["paid"]
    ]
    lines.sort(key=lambda one: (-one.revenue, -one.transaction_count, one.url))
    return lines[:MOST_RESOURCES]


def _methods(month: Month) -> list[ReportMethod]:
    paid = total_of(month.buckets)["paid"]
    lines = [
        ReportMethod(
            type=named(provider),
            count=counts["paid"],
            revenue=counts["gross"],
            percentage=percent(counts["paid"], paid),
        )
        for provider, counts in part_of(month.buckets, Part.PROVIDER).items()
        if counts["paid"]
    ]
    return sorted(lines, key=lambda one: (-one.revenue, -one.count, one.type))


def _days(shown: Shown, month: Month) -> list[ReportDay]:
    by_day = grouped(month.buckets, lambda one: day_of(one.at, shown.zone))
    lines = []
    for day in days_between(*month.span, shown.zone):
        buckets = by_day.get(day, ())
        figures = figures_of(total_of(buckets))
        lines.append(
            ReportDay(
                date=day,
                revenue=figures.revenue,
                net_revenue=figures.net_revenue,
                transaction_count=figures.transaction_count,
                unique_payers=payers_of(buckets),
            )
        )
    return lines
