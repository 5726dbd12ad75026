"""One lead."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument, StoredPart


class Agent(StoredPart):
    """What a user agent says that it is; None where it doesn't."""

    browser: str | None = None
    os: str | None = None
    device: str | None = None


class PaymentIntent(StoredDocument):
    """What somebody said they would buy. It is a wish: its amount is nowhere counted as money.

    `amount` is the text that was sent, in major units; `amount_minor` is the same in minor units of
    the merchant's `currency`. `session_id` names the customer's journey, and no payment session:
    those that followed are `followed_by`. `user_email_hash` finds an address however it is written
    in capitals and small letters; its part before the dot names the pepper. `client` is the keyed
    hash of the address that it came from, `ip_address` the address itself, where that is kept.
    `user_agent` is `unparsed` until a job has made `agent` of it. `timestamp` is what the sender's
    clock said, and orders nothing. Money is not owed for it, so it may go at `purge_at`.
    `written_at` is the database's time of when it was left, or of when a session last followed it.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    merchant_id: str
    plan_name: str
    amount: str
    amount_minor: int
    currency: str
    user_email: str | None = None
    user_email_hash: str | None = None
    user_agent: str | None = None
    unparsed: bool = False
    agent: Agent | None = None
    client: str | None = None
    ip_address: str | None = None
    feedback: str | None = None
    session_id: str
    timestamp: datetime | None = None
    mail_consent: bool | None = None
    consent_text: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    followed_by: list[str] = Field(default_factory=list)
    created_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME
    purge_at: datetime
    deletable_at: datetime | None = None

    money_fields: ClassVar[tuple[str, ...]] = ("amountMinor",)

    class Settings:
        """Collection and indexes: a list of each filter, in the order of time."""

        name = "payment_intents"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_createdAt",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("planName", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_plan_createdAt",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("userEmailHash", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_email_createdAt",
                partialFilterExpression={"userEmailHash": {"$type": "string"}},
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("sessionId", ASCENDING),
                    ("createdAt", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_session_createdAt",
            ),
            # For the figures, which read what has changed.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_writtenAt",
            ),
            IndexModel(
                [("createdAt", ASCENDING)],
                name="unparsed_createdAt",
                partialFilterExpression={"unparsed": True},
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt"),
            # Only a backstop, three days after the job failed to delete it.
            IndexModel(
                [("deletableAt", ASCENDING)],
                name="deletableAt_ttl",
                expireAfterSeconds=3 * 24 * 3600,
                partialFilterExpression={"deletableAt": {"$type": "date"}},
            ),
        ]
