"""Forecast each merchant's net revenue once a day, as a job."""

from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from service.analytics.operations.periods import DAY, day_of
from service.analytics.repository import facts
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.core.json_text import to_json
from service.forecasts import repository
from service.forecasts.documents import Forecast
from service.forecasts.operations.history import History, history_of
from service.forecasts.operations.process import Fit, fitter, is_installed
from service.forecasts.states import Fitted, ForecastDay, Wanted, refusal_of
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.merchants.errors import MerchantNotFound
from service.merchants.operations.changing import find_merchant
from service.storage.answering import answers_in_time

_WITHIN_S: Final = 20.0
_FAILED: Final = "What forecasts came to no end with these days; it is tried again tomorrow."

log = structlog.get_logger(__name__)


class ForecastReport(Report):
    """How many forecasts were made, of how many there is too little known, and which failed.

    `missing`: what forecasts is not installed, so none was made. None of it is a change of what was
    recorded: no run by the clock stands in the trail.
    """

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.made = 0
        self.refused = 0
        self.unknown = 0
        self.missing = 0


async def forecast_all(clock: Clock, report: ForecastReport, turn: Turn) -> None:
    """Forecast what was not forecast today, of all merchants. A dry run, without a lease, counts.

    One that fails holds up no other. Raises `Unavailable`, `LeaseLost`.
    """
    if not is_installed():
        report.missing = 1
        return
    async with answers_in_time(_WITHIN_S):
        states = await facts.states()
    async with fitter() as fit:
        for state in states:
            for currency in state.currencies:
                if turn.until.over:
                    return
                try:
                    await _forecast(state.id, currency, fit, clock, report, turn)
                except Unavailable as error:
                    log.warning("nothing is forecast", merchant=state.id, reason=str(error))
                    report.unknown += 1


async def _forecast(
    merchant_id: str, currency: str, fit: Fit, clock: Clock, report: ForecastReport, turn: Turn
) -> None:
    now = clock.now()
    try:
        merchant = await find_merchant(merchant_id, now)
    except MerchantNotFound:
        return
    async with answers_in_time(_WITHIN_S):
        before = await repository.find(merchant_id, currency)
    zone = ZoneInfo(merchant.zone)
    if before is not None and day_of(before.made_at, zone) == day_of(now, zone):
        return
    history = await history_of(merchant, currency, now)
    refused, made = refusal_of([*history.values]), None
    if refused is not None:
        report.refused += 1
    elif turn.lease is None:
        report.made += 1
    elif (made := await _fitted(merchant_id, history, fit)) is None:
        report.unknown += 1
        refused = _FAILED
    else:
        report.made += 1
    if turn.lease is None:
        return
    about = Forecast(
        id=repository.id_of(merchant.id, currency),
        merchant_id=merchant.id,
        currency=currency,
        timezone=merchant.zone,
        made_at=now,
        since=history.since.isoformat(),
        until=history.until.isoformat(),
        known=len(history.values),
        refused=refused,
    )
    forecast = about if made is None else _filled(about, history, made)
    await under(turn.lease, partial(repository.put, forecast), _WITHIN_S)


async def _fitted(merchant_id: str, history: History, fit: Fit) -> Fitted | None:
    """Return what comes of a series, None where that ends what fits it, or takes too long.

    That is kept for the day: tried again each hour, it would take the time of all that come after.
    """
    try:
        return await fit(Wanted([*history.values]))
    except Unavailable as error:
        log.warning("nothing is forecast", merchant=merchant_id, reason=str(error))
        return None


def _filled(about: Forecast, history: History, made: Fitted) -> Forecast:
    days = [
        ForecastDay(
            date=history.until + n * DAY,
            net_revenue=one.middle,
            low80=one.low80,
            high80=one.high80,
            low95=one.low95,
            high95=one.high95,
        )
        for n, one in enumerate(made.days)
    ]
    content = to_json(days).decode()
    filled: Forecast = about.model_copy(update={"method": made.method, "days": content})
    return filled
