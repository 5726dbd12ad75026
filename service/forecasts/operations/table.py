"""The job of this room."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.core.clock import Clock
from service.forecasts.operations.making import ForecastReport, forecast_all
from service.jobs.operations.job import About, Job

FORECAST = About(
    "forecast",
    "forecasts each merchant's net revenue once a day, where what does so is installed",
    every=timedelta(hours=1),
)
ABOUT: Sequence[About] = (FORECAST,)


def forecast_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work = partial(forecast_all, clock)
    return (Job(FORECAST, ForecastReport, work, work),)
