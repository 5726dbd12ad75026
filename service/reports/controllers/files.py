"""A report as a file: a page that prints and mails, or a table."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from litestar import Response
from litestar.params import QueryParameter
from msgspec import Struct

from service.analytics.schemas.common import FiguresAnswer
from service.core.money import exponent, to_major
from service.reports.operations.tables import Line, csv_of, monthly_lines
from service.reports.schemas.monthly import MonthlyAnswer
from service.reports.schemas.weekly import WeeklyAnswer, weekly_lines
from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages

FormatQuery = Annotated[Literal["json", "csv", "html"], QueryParameter(name="format")]

_PAGES = Pages(Assets("service.reports", "/reports/assets"))
_DOCUMENT = _PAGES.policy_of_a_document("report.css")


def monthly_file(answer: MonthlyAnswer, format_: str) -> Response[Any]:
    """Return a month as a page or a table."""
    if format_ == "html":
        return _page("monthly.html", answer, answer.report)
    name = f"report-{answer.report.period.start:%Y-%m}-{answer.currency}.csv"
    return _table(name, monthly_lines(answer.report, answer.as_of, answer.hash))


def weekly_file(answer: WeeklyAnswer, format_: str) -> Response[Any]:
    """Return a week as a page or a table."""
    if format_ == "html":
        return _page("weekly.html", answer, answer.report)
    return _table(f"week-{answer.report.period.week}-{answer.currency}.csv", weekly_lines(answer))


def _page(template: str, answer: FiguresAnswer, report: Struct) -> Response[Any]:
    """Return a report as one page: nothing is loaded, and nothing runs in it."""
    price = partial(to_major, places=exponent(answer.currency))
    return _PAGES.show(template, policy=_DOCUMENT, answer=answer, report=report, price=price)


def _table(name: str, lines: Sequence[Line]) -> Response[Any]:
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_of(lines), media_type="text/csv", headers=kept)
