"""An API key as it is stored: its hash, never itself."""

from datetime import datetime
from typing import ClassVar

from pymongo import DESCENDING, IndexModel

from service.core.principal import AccessScope, Kind
from service.storage.documents import StoredDocument


class ApiKey(StoredDocument):
    """A key issued by the command line. `id` is the SHA-256 of the key in hex.

    `scopes` None: everything that its kind may do, including what later versions add.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    kind: Kind
    merchant_id: str
    name: str | None = None
    scopes: list[AccessScope] | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "api_keys"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("createdAt", DESCENDING)], name="created_at"),
        ]

    def usable_at(self, moment: datetime) -> bool:
        """Return whether the key is valid at a time: not revoked, not expired."""
        ends = [end for end in (self.expires_at, self.revoked_at) if end is not None]
        return all(moment < end for end in ends)
