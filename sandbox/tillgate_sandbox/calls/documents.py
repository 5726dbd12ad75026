"""What is stored about a call: enough to describe it in a sentence, and nothing secret."""

from datetime import datetime
from typing import ClassVar

from pymongo import ASCENDING, IndexModel

from service.providers.registry import ProviderName
from service.storage.documents import StoredDocument


class SandboxCall(StoredDocument):
    """One call: of the service to a played provider, or, where `provider` is None, to the service.

    `path` has no query; bodies and keys are not stored. `status` is None if there was no answer,
    `heard` is False if the caller had gone before it came, `error` is the error code in the answer.
    `caller` is a kind of key, None without a valid one, or at a provider. `grant` names the token
    that was used or issued: the first 12 hex digits of its SHA-256.
    """

    id: str  # type: ignore[assignment]
    provider: ProviderName | None
    method: str
    path: str
    status: int | None
    error: str | None
    heard: bool
    latency_ms: float
    at: datetime
    session_id: str | None
    caller: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    grant: str | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_calls"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("sessionId", ASCENDING), ("at", ASCENDING)], name="sessionId_at"),
            IndexModel([("grant", ASCENDING)], name="grant"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]
