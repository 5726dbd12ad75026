"""Days and hours that have passed."""

from datetime import timedelta

from litestar import Controller, Response, get
from litestar.di import Provide

from service.analytics.controllers.answering import (
    DaysQuery,
    ShownFigures,
    respond,
    shown_to,
)
from service.analytics.operations.asking import ask_one
from service.analytics.operations.beside import read_series
from service.analytics.operations.caching import DAILY, HOURLY, WEEKLY
from service.analytics.operations.periods import last_days
from service.analytics.operations.services import Shown
from service.analytics.operations.sessions import read_sessions
from service.analytics.schemas.back import (
    FailuresAnswer,
    GeographyAnswer,
    LatencyAnswer,
    PeakTimesAnswer,
    SuccessRateAnswer,
    failures_answer,
    geography_answer,
    latency_answer,
    peak_times_answer,
    success_rate_answer,
)
from service.analytics.schemas.checkouts import CheckoutsAnswer, checkouts_answer
from service.analytics.schemas.webhooks import WebhookMetricsAnswer, webhook_metrics_answer
from service.analytics.states import Grain, Part
from service.core.principal import AccessScope
from service.web.authentication import AnyRequest, requires


class FiguresBack(Controller):
    """The last days of a merchant's zone, today's part included."""

    tags = ["Figures"]
    path = "/api/v1/analytics"
    dependencies = {"shown": Provide(shown_to)}
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/peak-times", operation_id="readPeakTimes", summary="Add up the hours of the day")
    async def peak_times(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[PeakTimesAnswer]:
        """All 24 of them, the one with the most transactions first; kept for an hour."""

        async def compute(shown: Shown) -> PeakTimesAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            buckets = await ask_one(shown, span, (), Grain.HOUR_OF_DAY)
            return peak_times_answer(shown, days, buckets)

        return await respond(request, shown, WEEKLY, compute)

    @get(
        "/success-rate", operation_id="readSuccessRate", summary="Read the success rate of each day"
    )
    async def success_rate(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 7,
    ) -> Response[SuccessRateAnswer]:
        """Of the payments that succeeded or failed; kept for 30 minutes."""

        async def compute(shown: Shown) -> SuccessRateAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            return success_rate_answer(shown, span, await ask_one(shown, span, (), Grain.DAY))

        return await respond(request, shown, DAILY, compute)

    @get("/failures", operation_id="readFailures", summary="Read what failed, and why")
    async def failures(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[FailuresAnswer]:
        """Payments that failed by reason and hour, and what became of tries that were repeated."""

        async def compute(shown: Shown) -> FailuresAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            buckets = await ask_one(shown, span, [Part.CODE], Grain.HOUR_OF_DAY)
            return failures_answer(shown, days, buckets)

        return await respond(request, shown, DAILY, compute)

    @get("/latency", operation_id="readLatency", summary="Read how long payments take")
    async def latency(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 7,
    ) -> Response[LatencyAnswer]:
        """From a session's opening to its completion; percentiles are at most 1 % off."""

        async def compute(shown: Shown) -> LatencyAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            buckets = await ask_one(shown, span, (), Grain.MONTH)
            return latency_answer(shown, days, buckets)

        return await respond(request, shown, HOURLY, compute)

    @get("/webhook-metrics", operation_id="readWebhookMetrics", summary="Read how webhooks fare")
    async def webhook_metrics(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[WebhookMetricsAnswer]:
        """Those that went out to the merchant's endpoints, and those that came from providers.

        Also those that were deleted since.
        """

        async def compute(shown: Shown) -> WebhookMetricsAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            parts = (Part.INCOMING, Part.OUTGOING)
            found = await read_series(shown.merchant.id, span, shown.timezone, parts)
            return webhook_metrics_answer(shown, days, found)

        return await respond(request, shown, timedelta(), compute)

    @get("/geography", operation_id="readGeography", summary="Read where payments come from")
    async def geography(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[GeographyAnswer]:
        """By the country of the billing address, as far as providers report it."""

        async def compute(shown: Shown) -> GeographyAnswer:
            span = last_days(days, shown.as_of, shown.zone)
            return geography_answer(
                shown, days, await ask_one(shown, span, [Part.COUNTRY], Grain.MONTH)
            )

        return await respond(request, shown, DAILY, compute)

    @get("/checkouts", operation_id="readCheckoutFigures", summary="Read what becomes of sessions")
    async def checkouts(
        self,
        request: AnyRequest,
        shown: ShownFigures,
        days: DaysQuery = 30,
    ) -> Response[CheckoutsAnswer]:
        """Conversion, abandonment by plan, times, who tries again, and the last 7 days."""

        async def compute(shown: Shown) -> CheckoutsAnswer:
            return checkouts_answer(shown, days, await read_sessions(shown, days))

        return await respond(request, shown, HOURLY, compute)
