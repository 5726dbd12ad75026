"""Answer about a month or a week, for whoever shows it."""

from service.analytics.operations.services import Shown
from service.reports.operations.building import report_of
from service.reports.operations.reading import find_closed, find_refusal, named_month, read_month
from service.reports.operations.weeks import named_week, read_week
from service.reports.schemas.monthly import MonthlyAnswer, closed_answer, monthly_answer
from service.reports.schemas.weekly import WeeklyAnswer, weekly_answer


async def month_answer(shown: Shown, month: str | None, zone: str | None = None) -> MonthlyAnswer:
    """Return a month as it was closed, or as it stands now.

    Raises `NoSuchMonth`, `ReportAltered`, `NoSuchCurrency`, and `Unavailable`.
    """
    first = named_month(month, shown)
    if (closed := await find_closed(shown, first, zone)) is not None:
        return closed_answer(closed)
    refused = await find_refusal(shown, first)
    return monthly_answer(shown, report_of(shown, await read_month(shown, first)), refused)


async def week_answer(shown: Shown, day: str | None) -> WeeklyAnswer:
    """Return the week of a day as it stands now.

    Raises `NoSuchWeek`, `NoSuchCurrency`, and `Unavailable`.
    """
    return weekly_answer(shown, await read_week(shown, named_week(day, shown)))
