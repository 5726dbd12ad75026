"""Forecasts over HTTP."""

from litestar import Controller, get

from service.analytics.controllers.answering import CurrencyQuery, shown_to
from service.core.principal import AccessScope
from service.forecasts.operations.reading import read_forecast
from service.forecasts.schemas import ForecastAnswer, forecast_answer
from service.web.authentication import AnyRequest, CurrentPrincipal, requires


class Forecasts(Controller):
    """What is to come."""

    tags = ["Figures"]
    path = "/api/v1/analytics"
    opt = requires(AccessScope.ANALYTICS_READ)

    @get("/forecast", operation_id="readForecast", summary="Read the net revenue to come")
    async def forecast(
        self, request: AnyRequest, principal: CurrentPrincipal, currency: CurrencyQuery = None
    ) -> ForecastAnswer:
        """The next 30 days with their intervals of 80 and 95 percent, made once a day by a job."""
        shown = await shown_to(request, principal, None, currency)
        return forecast_answer(shown, await read_forecast(shown))
