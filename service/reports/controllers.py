"""Reports over HTTP."""

from functools import partial
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    CurrencyQuery,
    ZoneQuery,
    respond,
    shown_to,
    unchanging,
)
from service.analytics.operations.caching import DAILY
from service.analytics.operations.services import Shown
from service.core.money import exponent, to_major
from service.core.principal import AccessScope
from service.reports.operations.building import report_of
from service.reports.operations.reading import find_closed, find_refusal, named_month, read_month
from service.reports.schemas import MonthlyAnswer, closed_answer, closed_body, monthly_answer
from service.web.authentication import AnyRequest, CurrentPrincipal, requires
from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages

PAGES = Pages(Assets("service.reports", "/reports/assets"))
_DOCUMENT = PAGES.policy_of_a_document("monthly.css")


class MonthlyReports(Controller):
    """A month of a merchant."""

    tags = ["Figures"]
    path = "/api/v1/analytics/reports"
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/monthly", operation_id="readMonthlyReport", summary="Report about a month")
    async def monthly(
        self,
        request: AnyRequest,
        principal: CurrentPrincipal,
        month: Annotated[
            str | None, QueryParameter(max_length=7, description="As 2026-11; else this one.")
        ] = None,
        format_: Annotated[Literal["json", "html"], QueryParameter(name="format")] = "json",
        currency: CurrencyQuery = None,
        timezone: ZoneQuery = None,
    ) -> Response[MonthlyAnswer]:
        """As it was closed, or as it stands now; with `format=html` a page to print or mail."""
        shown = await shown_to(request, principal, timezone, currency)
        first = named_month(month, shown)
        closed = await find_closed(shown, first, timezone)
        if closed is not None:
            if format_ == "html":
                return monthly_page(closed_answer(closed))
            return unchanging(request, closed_body(closed), closed.hash)
        refused = await find_refusal(shown, first)

        async def compute(shown: Shown) -> MonthlyAnswer:
            found = await read_month(shown, named_month(month, shown))
            return monthly_answer(shown, report_of(shown, found), refused)

        if format_ == "html":
            return monthly_page(await compute(shown))
        if refused is not None:  # that changes without any change of what is counted
            return Response(await compute(shown))
        return await respond(request, shown, DAILY, compute)


def monthly_page(answer: MonthlyAnswer) -> Response[Any]:
    """Return a report as one page: nothing is loaded, and nothing runs in it."""
    price = partial(to_major, places=exponent(answer.currency))
    return PAGES.show(
        "monthly.html", policy=_DOCUMENT, answer=answer, report=answer.report, price=price
    )
