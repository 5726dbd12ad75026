"""Months over HTTP."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    ShownFigures,
    ZoneQuery,
    respond,
    shown_to,
    unchanging,
)
from service.analytics.operations.caching import DAILY
from service.analytics.operations.services import Shown
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.reports.controllers.files import FormatQuery, monthly_file
from service.reports.operations.building import report_of
from service.reports.operations.reading import (
    find_closed,
    find_refusal,
    list_reports,
    named_month,
    read_month,
)
from service.reports.schemas.asking import month_answer
from service.reports.schemas.monthly import (
    MonthlyAnswer,
    ReportsAnswer,
    closed_body,
    monthly_answer,
    report_view,
)
from service.web.authentication import AnyRequest, CurrentPrincipal, requires
from service.web.parameters import PAGE_SIZE, PageCursor, PageLimit


class MonthlyReports(Controller):
    """A month of a merchant."""

    tags = ["Figures"]
    path = "/api/v1/analytics/reports"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/monthly", operation_id="readMonthlyReport", summary="Report about a month")
    async def monthly(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        month: Annotated[
            str | None, QueryParameter(max_length=7, description="As 2026-11; else this one.")
        ] = None,
        format_: FormatQuery = "json",
        timezone: ZoneQuery = None,
    ) -> Response[MonthlyAnswer]:
        """As it was closed, or as it stands now; with `format=html` a page to print or mail.

        With `format=csv` a table: a row for each number.
        """
        if format_ != "json":
            return monthly_file(await month_answer(shown, month, timezone), format_)
        first = named_month(month, shown)
        closed = await find_closed(shown, first, timezone)
        if closed is not None:
            return unchanging(request, closed_body(closed), closed.hash)
        refused = await find_refusal(shown, first)

        async def compute(shown: Shown) -> MonthlyAnswer:
            found = await read_month(shown, named_month(month, shown))
            return monthly_answer(shown, report_of(shown, found), refused)

        if refused is not None:  # that changes without any change of what is counted
            return Response(await compute(shown))
        return await respond(request, shown, DAILY, compute)

    @get("/", operation_id="listReports", summary="List closed months")
    async def closed(
        self,
        principal: CurrentPrincipal,
        limit: PageLimit = PAGE_SIZE,
        cursor: PageCursor = None,
    ) -> ReportsAnswer:
        """Of all currencies, the last one that was closed first."""
        found, following = await list_reports(
            principal.merchant_id, cursor=cursor_of(cursor), limit=limit
        )
        return ReportsAnswer([report_view(one) for one in found], next_cursor(following))
