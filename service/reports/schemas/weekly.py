"""What goes over the wire about a week."""

from datetime import date, datetime

import msgspec
from msgspec import Struct

from service.analytics.operations.figures import Change, total_of, trend_of
from service.analytics.operations.services import Shown
from service.analytics.schemas.checkouts import (
    CheckoutDay,
    CheckoutPlan,
    Conversion,
    Times,
    conversion_of,
    plans_of,
    session_days,
    time_to_abandon,
    time_to_complete,
)
from service.analytics.schemas.common import FiguresAnswer
from service.core.views import view_of
from service.reports.operations.building import info_of, summary_of
from service.reports.operations.tables import Line, Table, about_of, lines_of
from service.reports.operations.weeks import Week
from service.reports.states import MerchantInfo, ReportSummary


class WeekPeriod(Struct, frozen=True):
    """The week: when it begins and ends, and its first day, in the zone."""

    start: datetime
    end: datetime
    week: date


class WeeklyReport(Struct, frozen=True, rename="camel", kw_only=True):
    """A week of a merchant: how many checkouts were paid, and what that came to.

    Sessions count on the day on which they were opened, by how they stand now; money when it came.
    `change` is of the rate, against `conversionBefore`: of the week before, or its equal part.
    """

    merchant_info: MerchantInfo
    currency: str
    timezone: str
    period: WeekPeriod
    conversion: Conversion
    conversion_before: Conversion
    change: Change
    summary: ReportSummary
    abandonment_by_plan: list[CheckoutPlan]
    time_to_complete: Times
    time_to_abandon: Times
    users_who_retry: int
    daily_breakdown: list[CheckoutDay]


class WeeklyAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """A week of a merchant as it stands now."""

    report: WeeklyReport


def weekly_answer(shown: Shown, week: Week) -> WeeklyAnswer:
    """Show a week."""
    total = total_of(week.buckets)
    conversion, before = conversion_of(total), conversion_of(total_of(week.before))
    report = WeeklyReport(
        merchant_info=info_of(shown.merchant),
        currency=shown.currency,
        timezone=shown.timezone,
        period=WeekPeriod(*week.span, week.first),
        conversion=conversion,
        conversion_before=before,
        change=trend_of(conversion.conversion_rate, before.conversion_rate),
        summary=summary_of(week.buckets),
        abandonment_by_plan=plans_of(week.buckets),
        time_to_complete=time_to_complete(total),
        time_to_abandon=time_to_abandon(total),
        users_who_retry=week.users_who_retry,
        daily_breakdown=session_days(shown, week.span, week.buckets),
    )
    return view_of(WeeklyAnswer, shown, report=report)


def weekly_lines(answer: WeeklyAnswer) -> list[Line]:
    """Return a week as lines of a table, amounts in minor units of a currency."""
    said = msgspec.to_builtins(answer.report)
    about = about_of(said, answer.as_of) | {"usersWhoRetry": said["usersWhoRetry"]}
    sections = {
        "summary": "Summary",
        "conversion": "Conversion",
        "conversionBefore": "Conversion before",
        "change": "Change",
        "timeToComplete": "Time to complete",
        "timeToAbandon": "Time to abandon",
    }
    lists = {"abandonmentByPlan": ("Plan", "plan"), "dailyBreakdown": ("Day", "date")}
    return lines_of(Table(about, sections, lists), said)
