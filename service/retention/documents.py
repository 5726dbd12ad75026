"""Who does a job now."""

from datetime import datetime
from typing import ClassVar

from pymongo import IndexModel

from service.storage.documents import StoredDocument


class Lease(StoredDocument):
    """The right to do one job until a time; `_id` is the job's name."""

    id: str  # type: ignore[assignment]
    holder: str
    until: datetime

    class Settings:
        """Collection."""

        name = "leases"
        indexes: ClassVar[list[IndexModel]] = []
