"""One event of the inbox, and one rejected delivery."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.inbox.states import InboxStatus, Verdict
from service.storage.documents import StoredDocument, StoredPart

Source = Literal["webhook", "fetch", "clock"]


class Decision(StoredPart):
    """What a person decided about a payment that did not fit.

    `awaiting`: it was accepted while it was held, and its capture is not done yet; should that be
    refused, the decision is taken back.
    """

    accepted: bool
    at: datetime
    by: str
    reason: str | None = None
    verdict: Verdict | None = None
    awaiting: bool = False


class Doubt(StoredPart):
    """A payment of the event that does not fit, or a checkout where nothing was paid, and why."""

    about: str
    reason: str
    decision: Decision | None = None


class Cut(StoredPart):
    """What is kept of a payload that is too large to be kept: its size and digest, what was read.

    `subject` and `asks` stand beside the row's facts, so that the event can be applied again.
    """

    size: int
    sha256: str
    subject: JsonObject
    asks: str | None = None


class WebhookEvent(StoredDocument):
    """A verified event. `_id` is provider:account:mode:event id: the same event has one row.

    `facts` are what it reported, also those whose ledger comes later. `object_id` is the provider's
    id of what it is about, `user_id` whose it is. It `waits_for` a payment of any of these ids.
    `payload` are the bytes as received, or the first of them where it was `cut`.
    `provider_event_id` is what the provider calls it where its signature does not cover that, as
    the first delivery said. `doubts` are what a person must decide about: `decision` is the last
    one of them, set once there is one on each.
    `purge_at` is unset while anybody or anything may still have to act on it; `deletable_at` is set
    by the retention job alone. `recount` is set by who writes it later than its time may have been
    counted (`core/lateness.py`). A row from the `clock` stands for no event: it is a review of a
    payment whose outcome nobody could report.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    provider: str
    account: str
    live: bool | None = None
    event_id: str
    provider_event_id: str | None = None
    type: str
    source: Source = "webhook"
    status: InboxStatus
    session_id: str | None = None
    user_id: str | None = None
    object_id: str | None = None
    waits_for: list[str] = Field(default_factory=list)
    reason: str | None = None
    error: str | None = None
    decision: Decision | None = None
    doubts: list[Doubt] = Field(default_factory=list)
    facts: list[JsonObject] = Field(default_factory=list)
    learned: JsonObject | None = None
    payload: bytes
    cut: Cut | None = None
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None = None
    attempts: int = 1
    next_attempt_at: datetime | None = None
    leased_until: datetime | None = None
    purge_at: datetime | None = None
    deletable_at: datetime | None = None
    recount: bool = False

    @property
    def is_decided(self) -> bool:
        """Return whether a person has decided about any of it: it is not applied again."""
        return self.decision is not None or any(one.decision is not None for one in self.doubts)

    class Settings:
        """Collection and indexes."""

        name = "webhook_events"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("status", ASCENDING), ("nextAttemptAt", ASCENDING)], name="status_nextAttemptAt"
            ),
            IndexModel([("sessionId", ASCENDING)], name="sessionId"),
            # Asked with each payment that comes, and hardly ever in any row.
            IndexModel(
                [("waitsFor", ASCENDING)],
                name="waitsFor",
                partialFilterExpression={"waitsFor": {"$type": "string"}},
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("receivedAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_receivedAt",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("status", ASCENDING),
                    ("receivedAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_status_receivedAt",
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("receivedAt", ASCENDING)],
                name="recount_merchant_receivedAt",
                partialFilterExpression={"recount": True},
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt"),
            IndexModel(
                [("deletableAt", ASCENDING)],
                name="deletableAt_ttl",
                expireAfterSeconds=3 * 24 * 3600,
                partialFilterExpression={"deletableAt": {"$type": "date"}},
            ),
        ]


class WebhookRejection(StoredDocument):
    """A delivery that was not believed: why, and nothing of what it said.

    A row may stand for several `deliveries`: `at` and `size` are the last's. `sender` is a
    keyed hash of the address, as in the log.
    """

    provider: str
    at: datetime
    reason: str
    size: int
    sender: str | None = None
    deliveries: int = 1

    capped_bytes: ClassVar[int | None] = 4 * 1024 * 1024

    class Settings:
        """Collection."""

        name = "webhook_rejections"
        indexes: ClassVar[list[IndexModel]] = []
