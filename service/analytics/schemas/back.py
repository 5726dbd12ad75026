"""What goes over the wire about days and hours that have passed."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.figures import (
    Latency,
    figures_of,
    grouped,
    latency_of,
    part_of,
    percent,
    rounded_to_hundredths,
    total_of,
)
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import LABELS, day_of, days_between
from service.analytics.operations.services import Shown
from service.analytics.repository.facts import Span
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import Counts, Part, named
from service.core.views import view_of

Buckets = Sequence[Bucket]

MOST_REASONS = 10


class PeakLine(Struct, frozen=True, rename="camel", kw_only=True):
    """An hour of the day, over all days."""

    hour: int
    label: str
    transaction_count: int
    revenue: int


class PeakTimesAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """The hours of the day, the one with the most transactions first."""

    days: int
    peak_times: list[PeakLine]


def peak_times_answer(shown: Shown, days: int, buckets: Buckets) -> PeakTimesAnswer:
    """Show the hours of the day."""
    counts = by_hour(buckets, shown.zone, "payment")
    revenue = by_hour(buckets, shown.zone, "gross")
    lines = [
        PeakLine(hour=hour, label=LABELS[hour], transaction_count=count, revenue=revenue[hour])
        for hour, count in enumerate(counts)
    ]
    lines.sort(key=lambda one: (-one.transaction_count, -one.revenue, one.hour))
    return view_of(PeakTimesAnswer, shown, days=days, peak_times=lines)


def by_hour(buckets: Buckets, zone: ZoneInfo, name: str) -> list[int]:
    """Return what there was by one name at each hour of the day."""
    found = [0] * 24
    for one in buckets:
        # A year has 8,784 hours of some 40 counts: one is added up.
        if n := one.totals.get(name, 0):
            found[one.at.astimezone(zone).hour] += n
    return found


class RateLine(Struct, frozen=True, rename="camel", kw_only=True):
    """The payments of a day. `successRate` is of those that succeeded or failed."""

    date: date
    success_rate: float
    total: int
    successful: int
    failed: int


class SuccessRateAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """The success rate of each day, and of all of them."""

    days: int
    overall: float
    success_rate: list[RateLine]


def success_rate_answer(shown: Shown, span: Span, buckets: Buckets) -> SuccessRateAnswer:
    """Show the success rate of each day."""
    by_day = grouped(buckets, lambda one: day_of(one.at, shown.zone))
    lines = []
    for day in days_between(*span, shown.zone):
        figures = figures_of(total_of(by_day.get(day, ())))
        lines.append(
            RateLine(
                date=day,
                success_rate=figures.success_rate,
                total=figures.transaction_count,
                successful=figures.successful_count,
                failed=figures.failed_count,
            )
        )
    successful = sum(one.successful for one in lines)
    overall = percent(successful, successful + sum(one.failed for one in lines))
    return view_of(SuccessRateAnswer, shown, days=len(lines), overall=overall, success_rate=lines)


class ReasonLine(Struct, frozen=True, rename="camel", kw_only=True):
    """Failed payments with one code; `attempts` are all tries that failed with it."""

    reason: str
    count: int
    percentage: float
    attempts: int


class HourCount(Struct, frozen=True, rename="camel", kw_only=True):
    """How many there were at one hour of the day."""

    hour: int
    count: int


class RetryPatterns(Struct, frozen=True, rename="camel", kw_only=True):
    """Sessions in which somebody tried again: how often on average, and what came of it."""

    average_retries: float
    successful_retries: int
    failed_retries: int


class FailureAnalysis(Struct, frozen=True, rename="camel", kw_only=True):
    """What failed. `failureRate` is percent of all payments that succeeded or failed."""

    total_failed: int
    failure_rate: float
    failed_attempts: int
    common_reasons: list[ReasonLine]
    failures_by_hour: list[HourCount]
    retry_patterns: RetryPatterns


class FailuresAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """What failed, why, when, and who tried again."""

    days: int
    analysis: FailureAnalysis


def failures_answer(shown: Shown, days: int, buckets: Buckets) -> FailuresAnswer:
    """Show what failed."""
    total = total_of(buckets)
    figures = figures_of(total)
    failed = figures.failed_count
    analysis = FailureAnalysis(
        total_failed=failed,
        failure_rate=percent(failed, failed + figures.successful_count),
        failed_attempts=total["attempt"],
        common_reasons=_reasons(buckets, failed),
        failures_by_hour=[
            HourCount(hour=hour, count=count)
            for hour, count in enumerate(by_hour(buckets, shown.zone, "failed"))
        ],
        retry_patterns=_retries(total),
    )
    return view_of(FailuresAnswer, shown, days=days, analysis=analysis)


def _reasons(buckets: Buckets, failed: int) -> list[ReasonLine]:
    lines = [
        ReasonLine(
            reason=named(code),
            count=counts["failed"],
            percentage=percent(counts["failed"], failed),
            attempts=counts["attempt"],
        )
        for code, counts in part_of(buckets, Part.CODE).items()
        if counts["failed"]
    ]
    lines.sort(key=lambda one: (-one.count, one.reason))
    return lines[:MOST_REASONS]


def _retries(total: Counts) -> RetryPatterns:
    retried = {
        state: total.get(f"retried:{state}", 0) for state in ("failed", "expired", "canceled")
    }
    successful = total.get("retried:completed", 0)
    again = sum(count for name, count in total.items() if name.startswith("retried:"))
    return RetryPatterns(
        average_retries=rounded_to_hundredths(total.get("retries", 0), again),
        successful_retries=successful,
        failed_retries=sum(retried.values()),
    )


class LatencyAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """How long completed sessions took from their opening, in milliseconds."""

    days: int
    count: int
    latency: Latency


def latency_answer(shown: Shown, days: int, buckets: Buckets) -> LatencyAnswer:
    """Show how long completed sessions took."""
    count = total_of(buckets)["took:completed"]
    return view_of(LatencyAnswer, shown, days=days, count=count, latency=latency_of(buckets))


class CountryLine(Struct, frozen=True, rename="camel", kw_only=True):
    """The successful payments of a billing country, two capital letters or `unknown`."""

    country: str
    count: int
    revenue: int
    percentage: float


class GeographyAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Where payments come from, the country with the most revenue first."""

    days: int
    geography: list[CountryLine]


def geography_answer(shown: Shown, days: int, buckets: Buckets) -> GeographyAnswer:
    """Show where payments come from."""
    paid = total_of(buckets)["paid"]
    lines = [
        CountryLine(
            country=named(country),
            count=counts["paid"],
            revenue=counts["gross"],
            percentage=percent(counts["paid"], paid),
        )
        for country, counts in part_of(buckets, Part.COUNTRY).items()
        if counts["paid"]
    ]
    lines.sort(key=lambda one: (-one.revenue, -one.count, one.country))
    return view_of(GeographyAnswer, shown, days=days, geography=lines)
