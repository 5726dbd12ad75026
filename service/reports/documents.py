"""Reports that were closed, and why others can't be."""

from datetime import datetime
from typing import ClassVar

from pymongo import ASCENDING, DESCENDING, IndexModel

from service.storage.documents import StoredDocument


class ClosedReport(StoredDocument):
    """A month of a merchant in one currency as it was closed: written once, and never changed.

    `_id` is `merchant:currency:month`, so there is never a second. `content` is the report in JSON,
    `hash` the SHA-256 of its bytes, which the audit has, too. The month ends at `ends_at`, where
    the next one begins whatever the merchant's zone is by then.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    currency: str
    month: str
    timezone: str
    begins_at: datetime
    ends_at: datetime
    content: str
    hash: str
    closed_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "reports"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("currency", ASCENDING), ("month", ASCENDING)],
                name="merchant_currency_month",
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("closedAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_closedAt",
            ),
        ]


class Refusal(StoredDocument):
    """Why a month that is over can't be closed; `_id` is what the report's will be."""

    id: str  # type: ignore[assignment]
    merchant_id: str
    currency: str
    month: str
    reason: str
    since: datetime
    seen_at: datetime

    class Settings:
        """Collection: there are few, and each goes when its report is closed."""

        name = "report_refusals"
        indexes: ClassVar[list[IndexModel]] = []
