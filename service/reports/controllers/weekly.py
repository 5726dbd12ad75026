"""Weeks over HTTP."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    ShownFigures,
    respond,
    shown_to,
)
from service.analytics.operations.caching import DAILY
from service.analytics.operations.services import Shown
from service.core.principal import AccessScope
from service.reports.controllers.files import FormatQuery, weekly_file
from service.reports.operations.weeks import named_week
from service.reports.schemas.asking import week_answer
from service.reports.schemas.weekly import WeeklyAnswer
from service.web.authentication import AnyRequest, requires


class WeeklyReports(Controller):
    """A week of a merchant."""

    tags = ["Figures"]
    path = "/api/v1/analytics/reports"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/weekly", operation_id="readWeeklyReport", summary="Report about a week")
    async def weekly(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        week: Annotated[
            str | None,
            QueryParameter(max_length=10, description="A day of it, as 2026-11-22; else this one."),
        ] = None,
        format_: FormatQuery = "json",
    ) -> Response[WeeklyAnswer]:
        """How many checkouts were paid, and what the week came to, against the one before.

        With `format=html` a page to print or mail, with `format=csv` a row for each number.
        """
        named_week(week, shown)
        if format_ != "json":
            return weekly_file(await week_answer(shown, week), format_)

        async def compute(shown: Shown) -> WeeklyAnswer:
            return await week_answer(shown, week)

        return await respond(request, shown, DAILY, compute)
