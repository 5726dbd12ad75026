"""What is to be told, to whom, and since when they are there to hear it."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument

MessageStatus = Literal["pending", "dispatched", "done"]
DeliveryStatus = Literal["pending", "done", "dead"]


class OutboxMessage(StoredDocument):
    """Something that happened, or that a provider must be sent.

    The id is `topic:key`: the same thing is sent once, however often the change is tried. `pending`
    until it is dispatched: each subscriber has a delivery of it then. `done`: what it is to bring
    about was brought about by another way, and it is delivered to nobody any more. `written_at` is
    the database's time, `created_at` the process's. `held_until`, by the latter: what waits so long
    may be done before by whoever wrote it.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    topic: str
    session_id: str
    payload: JsonObject = Field(default_factory=dict)
    status: MessageStatus = "pending"
    created_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME
    held_until: datetime | None = None
    done_at: datetime | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "outbox"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("status", ASCENDING), ("writtenAt", ASCENDING)],
                name="pending_writtenAt",
                partialFilterExpression={"status": "pending"},
            ),
            IndexModel([("sessionId", ASCENDING), ("createdAt", ASCENDING)], name="sessionId"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class Delivery(StoredDocument):
    """One message for one subscriber; `_id` is `message:subscriber`, so there is never a second.

    All its times are the database's. From `next_attempt_at` on anybody may take it: while somebody
    is at it, known by `claim`, that is the end of their lease. `dead` since `give_up_at`. It is
    kept as long as its message, which has the payload.
    """

    id: str  # type: ignore[assignment]
    message_id: str
    subscriber: str
    topic: str
    merchant_id: str
    session_id: str
    lane: str
    status: DeliveryStatus = "pending"
    attempts: int = 0
    created_at: datetime
    next_attempt_at: datetime
    claim: str | None = None
    give_up_at: datetime
    done_at: datetime | None = None
    error: str | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes: of those that are done there is none but the TTL."""

        name = "deliveries"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("status", ASCENDING), ("lane", ASCENDING), ("nextAttemptAt", ASCENDING)],
                name="pending_lane_nextAttemptAt",
                partialFilterExpression={"status": "pending"},
            ),
            IndexModel(
                [("status", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="dead_createdAt",
                partialFilterExpression={"status": "dead"},
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class Birth(StoredDocument):
    """Since when a subscriber hears a topic; `_id` is `subscriber:topic`.

    `born_at` is the database's time. None: the row is there, and is born with the next dispatch.
    """

    id: str  # type: ignore[assignment]
    subscriber: str
    topic: str
    born_at: InstanceOf[DatabaseTime] | None = None

    class Settings:
        """Collection."""

        name = "subscribers"
        indexes: ClassVar[list[IndexModel]] = []
