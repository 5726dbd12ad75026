"""The routes of the engine's first version."""

from typing import Annotated, Literal

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    EndQuery,
    ShownFigures,
    StartQuery,
    day_or_moment,
    respond,
    shown_to,
)
from service.analytics.operations.asking import ask_all, ask_one
from service.analytics.operations.caching import DAILY
from service.analytics.operations.glancing import read_customers, read_period
from service.analytics.operations.services import Shown
from service.analytics.operations.spans import (
    Interval,
    Period,
    between,
    grain_of,
    require_few,
    span_of,
)
from service.analytics.repository.facts import Span
from service.analytics.schemas.common import PeriodLine
from service.analytics.schemas.legacy import (
    OverviewAnswer,
    RevenueAnswer,
    TransactionsAnswer,
    by_currency,
    by_status,
    by_time,
    overview_answer,
    revenue_answer,
)
from service.analytics.schemas.shares import (
    CustomersAnswer,
    MethodsAnswer,
    ResourcesAnswer,
    customers_answer,
    methods_answer,
    resources_answer,
)
from service.analytics.states import Grain, Part
from service.core.principal import AccessScope
from service.web.authentication import AnyRequest, requires

PeriodQuery = Annotated[
    Period, QueryParameter(description="Until now; `all` are the last three years.")
]
IntervalQuery = Annotated[Interval, QueryParameter(description="How long a line is.")]


class FiguresLegacy(Controller):
    """A period until now, or a time from one day or moment to another."""

    tags = ["Figures"]
    path = "/api/v1/analytics"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/overview", operation_id="readOverview", summary="Read a period at a glance")
    async def overview(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        period: PeriodQuery = "30d",
    ) -> Response[OverviewAnswer]:
        """Growth is against the time before that is as long."""

        async def compute(shown: Shown) -> OverviewAnswer:
            span = span_of(period, shown.as_of)
            found = await read_period(shown, span)
            return overview_answer(shown, PeriodLine(*span, type=period), found)

        return await respond(request, shown, DAILY, compute)

    @get("/revenue", operation_id="readRevenue", summary="Read what came in over time")
    async def revenue(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        start_date: StartQuery = None,
        end_date: EndQuery = None,
        interval: IntervalQuery = "day",
    ) -> Response[RevenueAnswer]:
        """By hour, day, week or month of the zone."""
        require_few(_span(shown, start_date, end_date), interval)

        async def compute(shown: Shown) -> RevenueAnswer:
            span = _span(shown, start_date, end_date)
            buckets = await ask_one(shown, span, (), grain_of(interval))
            return revenue_answer(shown, span, interval, buckets)

        return await respond(request, shown, DAILY, compute)

    @get(
        "/transactions",
        operation_id="countTransactions",
        summary="Count payments by status, currency or time",
    )
    async def transactions(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        group_by: Annotated[
            Literal["status", "currency", "time"], QueryParameter(name="groupBy")
        ] = "time",
        start_date: StartQuery = None,
        end_date: EndQuery = None,
        interval: IntervalQuery = "day",
    ) -> Response[TransactionsAnswer]:
        """Amounts of two currencies are never added up."""
        require_few(_span(shown, start_date, end_date), interval)

        async def compute(shown: Shown) -> TransactionsAnswer:
            span = _span(shown, start_date, end_date)
            if group_by == "currency":
                return by_currency(shown, span, await ask_all(shown, span))
            if group_by == "status":
                return by_status(shown, span, await ask_one(shown, span, (), Grain.MONTH))
            buckets = await ask_one(shown, span, (), grain_of(interval))
            return by_time(shown, span, interval, buckets)

        return await respond(request, shown, DAILY, compute)

    @get("/top-resources", operation_id="readTopResources", summary="Read what brings in most")
    async def top_resources(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        period: PeriodQuery = "30d",
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 10,
        sort_by: Annotated[Literal["revenue", "count"], QueryParameter(name="sortBy")] = "revenue",
    ) -> Response[ResourcesAnswer]:
        """Plans, passes and events."""

        async def compute(shown: Shown) -> ResourcesAnswer:
            span = span_of(period, shown.as_of)
            buckets = await ask_one(shown, span, [Part.ITEM], Grain.MONTH)
            line = PeriodLine(*span, type=period)
            return resources_answer(shown, line, buckets, sort_by, limit)

        return await respond(request, shown, DAILY, compute)

    @get("/payment-methods", operation_id="readPaymentMethods", summary="Read how people pay")
    async def payment_methods(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        period: PeriodQuery = "30d",
    ) -> Response[MethodsAnswer]:
        """By provider."""

        async def compute(shown: Shown) -> MethodsAnswer:
            span = span_of(period, shown.as_of)
            buckets = await ask_one(shown, span, [Part.PROVIDER], Grain.MONTH)
            return methods_answer(shown, PeriodLine(*span, type=period), buckets)

        return await respond(request, shown, DAILY, compute)

    @get("/customers", operation_id="readCustomers", summary="Read who pays")
    async def customers(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        period: PeriodQuery = "30d",
    ) -> Response[CustomersAnswer]:
        """By when each payment was first heard of; the ten who paid most."""

        async def compute(shown: Shown) -> CustomersAnswer:
            span = span_of(period, shown.as_of)
            found = await read_customers(shown, span)
            return customers_answer(shown, PeriodLine(*span, type=period), found)

        return await respond(request, shown, DAILY, compute)


def _span(shown: Shown, start: str | None, end: str | None) -> Span:
    return between(
        day_or_moment("startDate", start),
        day_or_moment("endDate", end),
        shown.as_of,
        shown.zone,
    )
