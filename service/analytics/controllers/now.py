"""Just now, and now against before."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import PathParameter

from service.analytics.controllers.answering import (
    ShownFigures,
    respond,
    shown_to,
)
from service.analytics.operations.caching import DAILY, HOURLY, REALTIME
from service.analytics.operations.comparing import Period, compared, read_compared, read_now
from service.analytics.operations.services import Shown
from service.analytics.schemas.now import (
    DashboardAnswer,
    RealtimeAnswer,
    TrendAnswer,
    dashboard_answer,
    realtime_answer,
    trend_answer,
)
from service.core.principal import AccessScope
from service.web.authentication import AnyRequest, requires


class FiguresNow(Controller):
    """What happens just now, and how that compares."""

    tags = ["Figures"]
    path = "/api/v1/analytics"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/realtime", operation_id="readRealtime", summary="Read what happens just now")
    async def realtime(
        self,
        request: AnyRequest,
        shown: ShownFigures,
    ) -> Response[RealtimeAnswer]:
        """The hour that has begun, today until now, and what is going on; kept for 30 seconds."""

        async def compute(shown: Shown) -> RealtimeAnswer:
            return realtime_answer(shown, await read_now(shown))

        return await respond(request, shown, REALTIME, compute)

    @get(
        "/dashboard",
        operation_id="readDashboard",
        summary="Compare today, this week and this month",
    )
    async def dashboard(
        self,
        request: AnyRequest,
        shown: ShownFigures,
    ) -> Response[DashboardAnswer]:
        """Each until now, with the equal part of the one before; kept for 5 minutes."""

        async def compute(shown: Shown) -> DashboardAnswer:
            pairs = await read_compared(shown, *compared(shown).values())
            return dashboard_answer(shown, pairs)

        return await respond(request, shown, HOURLY, compute)

    @get("/trends/{period:str}", operation_id="readTrend", summary="Compare one of them in detail")
    async def trends(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        period: Annotated[
            Period,
            PathParameter(description="today, week or month", schema_extra={"examples": ["week"]}),
        ],
    ) -> Response[TrendAnswer]:
        """Today by the hour, a week or a month by the day, each until now."""

        async def compute(shown: Shown) -> TrendAnswer:
            spans = compared(shown)[period]
            current, previous = await read_compared(shown, spans)
            return trend_answer(shown, period, spans.current, (current, previous))

        return await respond(request, shown, HOURLY if period == "today" else DAILY, compute)
