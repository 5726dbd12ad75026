"""What goes over the wire about forecasts."""

from datetime import date, datetime

import msgspec
from msgspec import Struct

from service.analytics.operations.services import Shown
from service.forecasts.documents import Forecast
from service.forecasts.states import ForecastDay


class TrainedOn(Struct, frozen=True, rename="camel", kw_only=True):
    """The whole days that a forecast was made of, the last one excluded."""

    start_date: date
    end_date: date
    days: int


class ForecastAnswer(Struct, frozen=True, rename="camel", kw_only=True):
    """The net revenue of the days to come, in minor units of `currency`; days are of `timezone`.

    `asOf` is when it was made, null before the job's first run. `refused` says why there are no
    days.
    """

    success: bool = True
    currency: str
    timezone: str
    as_of: datetime | None = None
    method: str | None = None
    trained_on: TrainedOn | None = None
    refused: str | None = None
    forecast: list[ForecastDay] = []


def forecast_answer(shown: Shown, found: Forecast | None) -> ForecastAnswer:
    """Show a forecast."""
    if found is None:
        return ForecastAnswer(currency=shown.currency, timezone=shown.timezone)
    trained = None
    if found.since and found.until:
        begins, ends = date.fromisoformat(found.since), date.fromisoformat(found.until)
        trained = TrainedOn(start_date=begins, end_date=ends, days=found.known)
    return ForecastAnswer(
        currency=found.currency,
        timezone=found.timezone,
        as_of=found.made_at,
        method=found.method,
        trained_on=trained,
        refused=found.refused,
        forecast=msgspec.json.decode(found.days, type=list[ForecastDay]),
    )
