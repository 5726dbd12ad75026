"""Forecasts, as the job keeps them."""

from datetime import datetime
from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from service.storage.documents import StoredDocument


class Forecast(StoredDocument):
    """The days to come of a merchant in a currency; `_id` is both. Replaced by the next run.

    Made of `known` whole days from `since` until before `until`, by the days of `timezone`; `days`
    is JSON. `refused` says why there are none.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    currency: str
    timezone: str
    made_at: datetime
    since: str | None = None
    until: str | None = None
    known: int = 0
    method: str | None = None
    refused: str | None = None
    days: str = "[]"

    class Settings:
        """Collection and indexes."""

        name = "forecasts"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("currency", ASCENDING)], name="merchant_currency"
            )
        ]
