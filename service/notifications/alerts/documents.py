"""An alert, and what the service did in a minute."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.notifications.alerts.states import STANDING, AlertStatus
from service.storage.documents import StoredDocument


class Alert(StoredDocument):
    """A condition that a person must hear of, from when it was first seen until it is over.

    `rule` names the condition, `subject` what it is about within a merchant: a provider, a job, or
    nothing. `what` says in words what is wrong and what to do. Somebody was told of it `times`
    times, the last time at `notified_at`. One that a person closed (`closed_by`, `reason`) stays
    `dismissed` until its condition is over. All times are the database's.
    """

    id: str  # type: ignore[assignment]
    rule: str
    merchant_id: str
    subject: str
    status: AlertStatus = "open"
    what: str
    opened_at: datetime
    last_seen_at: datetime
    notified_at: datetime
    times: int = 1
    closed_at: datetime | None = None
    closed_by: str | None = None
    reason: str | None = None
    purge_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "alerts"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("rule", ASCENDING), ("merchantId", ASCENDING), ("subject", ASCENDING)],
                name="standing",
                unique=True,
                partialFilterExpression={"status": {"$in": list(STANDING)}},
            ),
            IndexModel([("openedAt", DESCENDING), ("_id", DESCENDING)], name="openedAt"),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class TrafficMinute(StoredDocument):
    """What all processes counted in one minute, which is `_id`, by the database's clock.

    `requests` but for those of health and metrics, of these `failed` with 5xx; calls to the
    database that it left `unanswered`; verified `webhooks` by provider. `probed_at`: a write that
    is timed, and nothing else.
    """

    id: datetime  # type: ignore[assignment]
    requests: int = 0
    failed: int = 0
    unanswered: int = 0
    webhooks: dict[str, int] = Field(default_factory=dict)
    probed_at: datetime | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "traffic_minutes"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]
