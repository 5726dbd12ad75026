"""Make the report of a month of what happened in it, and the bytes that are kept of one."""

from collections.abc import Sequence
from typing import Any

import msgspec

from service.analytics.operations.figures import (
    figures_of,
    grouped,
    part_of,
    payers_of,
    percent,
    total_of,
)
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import day_of, days_between
from service.analytics.operations.services import Shown
from service.analytics.states import Part, named
from service.merchants.documents import Merchant
from service.reports.operations.reading import Month
from service.reports.states import (
    MerchantInfo,
    MonthlyReport,
    ReportDay,
    ReportMethod,
    ReportPeriod,
    ReportResource,
    ReportSummary,
)

MOST_RESOURCES = 10


def report_of(shown: Shown, month: Month) -> MonthlyReport:
    """Return the report of a month as it stands now, not closed."""
    return MonthlyReport(
        merchant_info=info_of(shown.merchant),
        currency=shown.currency,
        timezone=shown.timezone,
        period=ReportPeriod(*month.span, f"{month.first:%B %Y}"),
        summary=summary_of(month.buckets),
        top_resources=_resources(month),
        payment_methods=_methods(month),
        daily_breakdown=_days(shown, month),
    )


def canonical(report: MonthlyReport) -> str:
    """Return a report as the text whose hash is kept: JSON by RFC 8785.

    Keys are sorted, nothing stands between the values, and a number that is whole has no point: so
    whoever reads the JSON and writes it like that again has the same bytes.
    """
    plain = _plain(msgspec.to_builtins(report))
    return msgspec.json.encode(plain, order="sorted").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def info_of(merchant: Merchant) -> MerchantInfo:
    """Return whose report it is."""
    to = merchant.mail_recipients
    return MerchantInfo(merchant.id, merchant.name, to[0] if to else merchant.mail_sender)


def summary_of(buckets: Sequence[Bucket]) -> ReportSummary:
    """Return what some buckets come to."""
    figures = figures_of(total_of(buckets))
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
        unique_payers=payers_of(buckets),
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
