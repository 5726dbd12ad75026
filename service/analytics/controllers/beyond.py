"""What becomes of leads and sessions, beyond what the reference document asks for."""

from typing import Annotated

from litestar import Controller, Response, get
from litestar.di import Provide
from litestar.params import QueryParameter

from service.analytics.controllers.answering import (
    DaysQuery,
    ShownFigures,
    respond,
    shown_to,
)
from service.analytics.operations.asking import ask_one
from service.analytics.operations.caching import HOURLY
from service.analytics.operations.cohorts import MOST_WEEKS, read_cohorts
from service.analytics.operations.periods import last_days
from service.analytics.operations.services import Shown
from service.analytics.operations.unusual import unusual_hours
from service.analytics.schemas.cohorts import CohortsAnswer, cohorts_answer
from service.analytics.schemas.funnel import FunnelAnswer, funnel_answer
from service.analytics.schemas.unusual import AnomaliesAnswer, anomalies_answer
from service.analytics.states import Grain, Part
from service.core.principal import AccessScope
from service.web.authentication import AnyRequest, requires


class FiguresBeyond(Controller):
    """How far customers come, and what is unusual."""

    tags = ["Figures"]
    path = "/api/v1/analytics"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/funnel", operation_id="readFunnel", summary="Read how far leads and sessions come")
    async def funnel(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[FunnelAnswer]:
        """From a lead to a session, an attempt, a payment and one that is kept.

        What began in the last days, as far as it has come until now.
        """

        async def compute(shown: Shown) -> FunnelAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            parts = [Part.PROVIDER, Part.ITEM, Part.LEAD]
            return funnel_answer(shown, days, await ask_one(shown, span, parts, Grain.MONTH))

        return await respond(request, shown, HOURLY, compute)

    @get("/anomalies", operation_id="readAnomalies", summary="Read which hours are unusual")
    async def anomalies(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: Annotated[int, QueryParameter(ge=1, le=31)] = 7,
    ) -> Response[AnomaliesAnswer]:
        """Success rates and volumes of providers, and abandonment, by the hour of the week."""

        async def compute(shown: Shown) -> AnomaliesAnswer:
            found = await unusual_hours(shown, *last_days(days, shown.as_of, shown.zone))
            return anomalies_answer(shown, days, found)

        return await respond(request, shown, HOURLY, compute)

    @get("/cohorts", operation_id="readCohorts", summary="Read when customers come and first pay")
    async def cohorts(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        weeks: Annotated[int, QueryParameter(ge=1, le=MOST_WEEKS)] = 12,
    ) -> Response[CohortsAnswer]:
        """Customers by the week of their first lead or session, by the weeks until they paid."""

        async def compute(shown: Shown) -> CohortsAnswer:
            return cohorts_answer(shown, weeks, *await read_cohorts(shown, weeks))

        return await respond(request, shown, HOURLY, compute)
