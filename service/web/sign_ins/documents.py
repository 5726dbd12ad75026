"""A sign-in as it is stored: the hash of its token, never the token."""

from datetime import datetime
from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from service.storage.documents import StoredDocument

# The database's clock differs a little from the service's, which decides.
_KEPT_AFTER_S = 3600


class SignIn(StoredDocument):
    """Somebody who signed in with a key. `id` is the SHA-256 of the token in the cookie, in hex.

    `key_hash` is the SHA-256 of the key: each use checks that it is still valid. The sign-in is
    invalid from `lapses_at` on; each use postpones that, up to `ends_at`.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    merchant_id: str
    key_hash: str
    created_at: datetime
    lapses_at: datetime
    ends_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sign_ins"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("lapsesAt", ASCENDING)], name="lapses_at", expireAfterSeconds=_KEPT_AFTER_S
            ),
        ]
