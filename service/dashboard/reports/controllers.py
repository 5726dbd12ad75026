"""The pages of reports over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from litestar import Controller, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import CurrencyQuery, services_of
from service.analytics.operations.reading import Asked, read
from service.analytics.operations.services import Shown, shown_as
from service.core.errors import Conflict, InvalidInput
from service.core.paging import cursor_of, next_cursor
from service.core.principal import AccessScope
from service.dashboard.acting import Answer, Sheet, TheDesk, filled, page, provide_desk
from service.dashboard.reports.lines import closed_line, open_line
from service.reports.controllers.files import monthly_file, weekly_file
from service.reports.operations.open_months import open_months
from service.reports.operations.reading import list_reports
from service.reports.schemas.asking import month_answer, week_answer
from service.web.authentication import AnyRequest
from service.web.parameters import PAGE_SIZE, PageCursor

HERE = "/dashboard/reports"
READ = frozenset({AccessScope.ANALYTICS_READ})

MonthQuery = Annotated[str | None, QueryParameter(max_length=7)]
WeekQuery = Annotated[str | None, QueryParameter(max_length=10)]
FileQuery = Annotated[Literal["html", "csv"], QueryParameter(name="format")]


class ReportPages(Controller):
    """Which months are closed, and each month and week as a page or a table."""

    path = HERE
    dependencies = {"desk": Provide(provide_desk, sync_to_thread=False)}

    @get("/")
    async def show(self, request: AnyRequest, desk: TheDesk, cursor: PageCursor = None) -> Answer:
        """List months: those that are open, then those that are closed, the last closed first."""

        async def show(sheet: Sheet) -> Answer:
            whose = sheet.reader.merchant_id
            shown = await shown_as(services_of(request), whose, None, None)
            found, following = await list_reports(whose, cursor=cursor_of(cursor), limit=PAGE_SIZE)
            known = (await read(Asked(whose, []))).currencies
            waiting = [] if cursor else await open_months(shown, sorted(known))
            return filled(
                sheet,
                "reports.html",
                waiting=[open_line(one) for one in waiting],
                closed=[closed_line(one) for one in found],
                currencies=sorted(known),
                older=next_cursor(following),
            )

        return await page(request, desk, READ, show)

    @get("/month")
    async def month(
        self,
        request: AnyRequest,
        desk: TheDesk,
        month: MonthQuery = None,
        currency: CurrencyQuery = None,
        format_: FileQuery = "html",
    ) -> Answer:
        """Show a month as the page that prints, or as a table."""

        async def file(shown: Shown) -> Answer:
            return monthly_file(await month_answer(shown, month), format_)

        return await _report(request, desk, currency, file)

    @get("/week")
    async def week(
        self,
        request: AnyRequest,
        desk: TheDesk,
        week: WeekQuery = None,
        currency: CurrencyQuery = None,
        format_: FileQuery = "html",
    ) -> Answer:
        """Show the week of a day as the page that prints, or as a table."""

        async def file(shown: Shown) -> Answer:
            return weekly_file(await week_answer(shown, week), format_)

        return await _report(request, desk, currency, file)


async def _report(
    request: AnyRequest,
    desk: TheDesk,
    currency: str | None,
    file: Callable[[Shown], Awaitable[Answer]],
) -> Answer:
    async def show(sheet: Sheet) -> Answer:
        shown = await shown_as(services_of(request), sheet.reader.merchant_id, None, currency)
        try:
            return await file(shown)
        except (InvalidInput, Conflict) as error:
            told = {"why": error.message, "start": HERE, "called": "Reports"}
            return filled(sheet, "unanswered.html", status_code=404, **told)

    return await page(request, desk, READ, show)
