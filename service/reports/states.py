"""What a report says, and how months follow one another. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from msgspec import Struct

MONEY: Final = ("total_revenue", "refunded", "lost", "net_revenue")
SUMS: Final = (
    *MONEY,
    *("total_transactions", "successful_transactions", "failed_transactions"),
)
"""What of a summary adds up over months: rates, averages and payers do not."""

Sums: TypeAlias = Mapping[str, int]


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


class ReportAdjustment(Struct, frozen=True, rename="camel", kw_only=True):
    """What changed of an earlier month since the last report that said anything of it."""

    month: str
    total_revenue: int
    refunded: int
    lost: int
    net_revenue: int
    total_transactions: int
    successful_transactions: int
    failed_transactions: int


class MonthlyReport(Struct, frozen=True, rename="camel", kw_only=True):
    """A month of a merchant, in minor units of `currency`. `closed`: nothing of it ever changes.

    `adjustments` are corrections of earlier months that came after those were closed: what all
    reports and their adjustments say adds up to what the figures said when the last one closed.
    """

    merchant_info: MerchantInfo
    currency: str
    timezone: str
    period: ReportPeriod
    closed: bool = False
    closed_at: datetime | None = None
    summary: ReportSummary
    adjustments: list[ReportAdjustment] = []
    top_resources: list[ReportResource]
    payment_methods: list[ReportMethod]
    daily_breakdown: list[ReportDay]


class Told(Struct, frozen=True):
    """What a closed report says of its own month and of earlier ones."""

    summary: ReportSummary
    adjustments: list[ReportAdjustment]


def name_of(day: date) -> str:
    """Return what a day's month is called: `2026-11`."""
    return f"{day:%Y-%m}"


def first_of(month: str) -> date:
    """Return the first day of a month."""
    return date.fromisoformat(f"{month}-01")


def month_after(month: str) -> str:
    """Return the month that follows."""
    first = first_of(month)
    return name_of(date(first.year + first.month // 12, first.month % 12 + 1, 1))


def month_before(month: str) -> str:
    """Return the month that precedes."""
    return name_of(first_of(month) - timedelta(days=1))


def months_until(first: str, end: str) -> list[str]:
    """Return all months from one to another, that one excluded."""
    found = []
    while first < end:
        found.append(first)
        first = month_after(first)
    return found


def sums_of(said: ReportSummary | ReportAdjustment) -> Sums:
    """Return what a summary or an adjustment adds to a month."""
    return {name: getattr(said, name) for name in SUMS}


def told_of(reports: Iterable[tuple[str, Told]]) -> dict[str, Counter[str]]:
    """Add up what reports said of each month, in their own and as adjustments."""
    found: dict[str, Counter[str]] = {}
    for month, report in reports:
        said = [(month, sums_of(report.summary))]
        said += [(one.month, sums_of(one)) for one in report.adjustments]
        for of, sums in said:
            found.setdefault(of, Counter()).update(sums)
    return found


def adjustment(month: str, told: Sums, now: Sums) -> ReportAdjustment | None:
    """Return what changed of a month; None where nothing did."""
    delta = {name: now.get(name, 0) - told.get(name, 0) for name in SUMS}
    return ReportAdjustment(month=month, **delta) if any(delta.values()) else None
