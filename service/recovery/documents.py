"""Sessions that were left unpaid, and how a merchant wants their customers reminded."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.recovery.states import MOST_REMINDERS, Arm, RecoveryStatus, Via
from service.storage.documents import StoredDocument

FIRST_HOURS = (1, 7, 23)


class RecoveryPolicy(StoredDocument):
    """How a merchant's customers are reminded; `id` is the merchant's. Without one, nobody is.

    `after` are hours after a session was left. The quiet hours are of the day in the customer's
    zone, or the merchant's. `held_out` is the percentage of customers who are not reminded.
    `most_a_day` counts in `sent` since `counted_from`, by the process's clock. One customer is sent
    at most `most_a_customer` in `customer_days`, whatever they begin. Without `mail` only the event
    goes out. `reached` is the database's second up to which sessions were looked at.
    """

    id: str  # type: ignore[assignment]
    enabled: bool = True
    paused: bool = False
    after: list[int] = Field(default_factory=lambda: [*FIRST_HOURS])
    quiet_from: int = 21
    quiet_until: int = 8
    held_out: int = 10
    most_a_day: int = 1_000
    most_a_customer: int = MOST_REMINDERS
    customer_days: int = 7
    mail: bool = True
    reached: int
    sent: int = 0
    counted_from: datetime
    updated_at: datetime

    class Settings:
        """Collection: it is found by its id, and all of them are few."""

        name = "recovery_policies"
        indexes: ClassVar[list[IndexModel]] = []


class Recovery(StoredDocument):
    """A session that was left; `_id` is `merchant:session`, so there is one of each.

    `left_at` is when. Whoever comes to `next_at` is looked at again. `item` names what was sold as
    the session does. `customer` is who is reminded: `user:` and their id, and the keyed hash of
    their address; who has one of them in common is one customer. `zone` is theirs, where it is
    known. `resumed_at` is when its link was last used. `paid_by` are the keys of the payments that
    came of it, `via` how. `outcome_at` is when its outcome is known, `purge_at` when it is
    forgotten.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    session_id: str
    user_id: str
    customer: list[str] = Field(default_factory=list)
    item: str
    provider: str
    arm: Arm
    status: RecoveryStatus = RecoveryStatus.WAITING
    zone: str | None = None
    reminders: int = 0
    reminded_at: datetime | None = None
    left_at: datetime
    enrolled_at: datetime
    next_at: datetime
    outcome_at: datetime
    resumed: int = 0
    resumed_at: datetime | None = None
    paid_by: list[str] = Field(default_factory=list)
    via: Via | None = None
    purge_at: datetime

    def is_of(self, opened_at: datetime) -> bool:
        """Return whether a session of its id is the one that was left, and not a later one."""
        return opened_at < self.enrolled_at

    class Settings:
        """Collection and indexes: what is due, a merchant's by time, and a customer's reminders."""

        name = "recoveries"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("nextAt", ASCENDING)],
                name="waiting_nextAt",
                partialFilterExpression={"status": "waiting"},
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("enrolledAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_enrolledAt",
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("customer", ASCENDING), ("remindedAt", ASCENDING)],
                name="merchant_customer_remindedAt",
                partialFilterExpression={"remindedAt": {"$type": "date"}},
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


def recovery_id(merchant_id: str, session_id: str) -> str:
    """Return the id of what is known of a session that was left."""
    return f"{merchant_id}:{session_id}"
