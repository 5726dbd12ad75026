"""A migration that a database has behind it."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import IndexModel

from service.storage.documents import StoredDocument


class Migration(StoredDocument):
    """One step that is done; `_id` is its number.

    `counts` says how many documents of each kind it changed, `took_ms` how long its last run
    took. `ran` is false where the database was new and there was nothing to change.
    """

    id: int  # type: ignore[assignment]
    name: str
    at: datetime
    ran: bool = True
    took_ms: int = 0
    counts: dict[str, int] = Field(default_factory=dict)

    class Settings:
        """Collection."""

        name = "migrations"
        indexes: ClassVar[list[IndexModel]] = []
