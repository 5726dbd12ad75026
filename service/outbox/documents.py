"""One message of the outbox."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.storage.documents import StoredDocument

MessageStatus = Literal["pending", "done", "dead"]


class OutboxMessage(StoredDocument):
    """Something that happened, or that a provider must be sent.

    The id is `topic:key`: the same thing is sent once, however often the change is tried. A message
    whose topic has no handler stays pending; a later version's handler will find it.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    topic: str
    session_id: str
    payload: JsonObject = Field(default_factory=dict)
    status: MessageStatus = "pending"
    attempts: int = 0
    created_at: datetime
    next_attempt_at: datetime
    leased_until: datetime | None = None
    done_at: datetime | None = None
    error: str | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "outbox"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("status", ASCENDING), ("topic", ASCENDING), ("nextAttemptAt", ASCENDING)],
                name="status_topic_nextAttemptAt",
            ),
            IndexModel([("sessionId", ASCENDING), ("createdAt", ASCENDING)], name="sessionId"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]
