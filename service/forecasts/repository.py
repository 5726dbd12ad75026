"""Named queries on forecasts."""

from service.forecasts.documents import Forecast
from service.storage.transaction import Transaction


def id_of(merchant_id: str, currency: str) -> str:
    """Return the id of a forecast."""
    return f"{merchant_id}:{currency}"


async def find(merchant_id: str, currency: str) -> Forecast | None:
    """Return a forecast; None where none was made yet."""
    found = await Forecast.get_pymongo_collection().find_one({"_id": id_of(merchant_id, currency)})
    return None if found is None else Forecast.model_validate(found)


async def put(forecast: Forecast, tx: Transaction) -> None:
    """Keep a forecast in the place of the one before."""
    row = forecast.to_row() | {"_id": forecast.id}
    await Forecast.get_pymongo_collection().replace_one(
        {"_id": forecast.id}, row, upsert=True, session=tx.session
    )
