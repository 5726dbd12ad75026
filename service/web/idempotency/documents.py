"""A call that carried an Idempotency-Key, in flight or answered."""

from datetime import datetime
from typing import ClassVar, Literal

from pymongo import ASCENDING, IndexModel

from service.storage.documents import StoredDocument


class IdempotencyKey(StoredDocument):
    """`id` is derived from caller, path and key; the key itself is not stored.

    `owner` is random for each run, so that an abandoned run can't answer for its successor. The
    answer's body is encrypted with the key: it may contain a client secret.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    state: Literal["in_flight", "done"]
    payload_hash: str
    owner: str
    locked_until: datetime
    created_at: datetime
    expires_at: datetime
    status: int | None = None
    content_type: str | None = None
    sealed_body: bytes | None = None

    class Settings:
        """Collection and indexes."""

        name = "idempotency_keys"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("expiresAt", ASCENDING)], name="expires_at", expireAfterSeconds=0),
        ]
