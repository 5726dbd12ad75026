"""Read what was forecast."""

from service.analytics.operations.asking import ask
from service.analytics.operations.services import Shown
from service.forecasts import repository
from service.forecasts.documents import Forecast
from service.forecasts.errors import NotInstalled
from service.forecasts.operations.process import is_installed
from service.storage.answering import answers_in_time


async def read_forecast(shown: Shown) -> Forecast | None:
    """Return a merchant's forecast in a currency; None before the job's first run.

    Raises `NoSuchCurrency`, `NotInstalled` where there is none and will be none, `Unavailable`.
    """
    await ask(shown, [])
    async with answers_in_time():
        found = await repository.find(shown.merchant.id, shown.currency)
    if found is None and not is_installed():
        raise NotInstalled
    return found
