"""One endpoint of a merchant's, and one event on its way there."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.notifications.endpoints.states import DeliveryStatus, DisabledBecause
from service.storage.documents import StoredDocument, StoredPart


class SigningSecret(StoredPart):
    """A secret that deliveries are signed with, sealed; until `expires_at` where it has one."""

    sealed: str
    created_at: datetime
    expires_at: datetime | None = None


class Disabled(StoredPart):
    """Since when nothing is sent to an endpoint, and why."""

    at: datetime
    reason: DisabledBecause


class WebhookEndpoint(StoredDocument):
    """Where a merchant's server hears of events.

    `events` are filters: `*`, `session.*`, `session.completed`. `secrets` are sealed, the newest
    first, as are the values of its own `headers`, all of them in one text. `thin`: events carry no
    object. `ordered`: those of a session are sent one after the other. `active_from`: what was
    written before is not sent. `failing_since` is the first failure since it last took something.
    `changed_at` is the database's time. A removed one stays for a while, for those who cache it.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    merchant_id: str
    url: str
    description: str | None = None
    events: list[str]
    secrets: list[SigningSecret]
    header_names: list[str] = Field(default_factory=list)
    headers: str | None = None
    version: str
    thin: bool = True
    ordered: bool = False
    disabled: Disabled | None = None
    failing_since: datetime | None = None
    active_from: datetime
    created_at: datetime
    updated_at: datetime
    changed_at: datetime
    removed: bool = False
    purge_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "webhook_endpoints"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_createdAt",
            ),
            IndexModel([("changedAt", ASCENDING)], name="changedAt"),
            IndexModel([("disabled.reason", ASCENDING)], name="disabled_reason"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class Try(StoredPart):
    """One try at delivering: `status` and the first of what was answered, or what went wrong."""

    at: datetime
    took_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None


class WebhookDelivery(StoredDocument):
    """One event for one endpoint; `_id` is `event:endpoint`, so there is never a second.

    `body` is what is signed and sent, the same each time. From `next_attempt_at` on anybody may
    take it, by the database's clock: while somebody is at it, known by `claim`, that is the end of
    their lease. Where the endpoint wants the events of a session in order, `lane` is both of them,
    and `place` says which comes first. `tries` counts since it was last wanted, `attempts` are the
    latest ones ever. `recount` is set by who changes it later than its time may have been counted.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    endpoint_id: str
    event_id: str
    type: str
    session_id: str
    body: str
    lane: str | None = None
    place: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    tries: int = 0
    attempts: list[Try] = Field(default_factory=list)
    next_attempt_at: datetime
    claim: str | None = None
    created_at: datetime
    done_at: datetime | None = None
    purge_at: datetime
    recount: bool = False

    class Settings:
        """Collection and indexes; those of what waits hold nothing else."""

        name = "webhook_deliveries"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("nextAttemptAt", ASCENDING), ("endpointId", ASCENDING)],
                name="pending_nextAttemptAt",
                partialFilterExpression={"status": "pending"},
            ),
            IndexModel(
                [("lane", ASCENDING), ("place", ASCENDING)],
                name="pending_lane_place",
                partialFilterExpression={"status": "pending", "lane": {"$gt": ""}},
            ),
            IndexModel(
                [("endpointId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="endpoint_createdAt",
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", ASCENDING)],
                name="recount_merchant_createdAt",
                partialFilterExpression={"recount": True},
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]
