"""Who does something now."""

from datetime import datetime
from typing import ClassVar

from pymongo import IndexModel

from service.storage.documents import StoredDocument


class Lease(StoredDocument):
    """The right to do one thing until a time of the database's clock; `_id` is its name.

    `fence` rises with each holder: what is written under an older one is not written. `holder` is
    None where it was given back; `renewals` counts how often it was held anew.
    """

    id: str  # type: ignore[assignment]
    holder: str | None = None
    fence: int = 0
    renewals: int = 0
    until: datetime

    class Settings:
        """Collection."""

        name = "leases"
        indexes: ClassVar[list[IndexModel]] = []
