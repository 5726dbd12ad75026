"""Mails as they wait and were sent, addresses that get receipts alone, a merchant's templates."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.notifications.mail.states import UNDELIVERED, MailStatus, SuppressionReason
from service.storage.documents import StoredDocument


class MailMessage(StoredDocument):
    """One mail to one address. `_id` follows from its cause, template and address: no second one.

    `to` is the address, `masked` what lists and logs show of it. `values` are what its text is made
    of when it is sent. `cause` is the message of the outbox, or what else it is about. `error` says
    what came of the last try, `answer` what the server said when it took it.

    Times that decide are the database's: from `next_attempt_at` on anybody may take it; while
    somebody is at it, known by `claim`, that is the end of their lease. `handed_over` counts how
    often its text was being handed over with nobody knowing what came of it. `edition` rises when a
    person has it sent again: its Message-ID is another one then.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    session_id: str = ""
    template: str
    cause: str
    to: str
    masked: str
    values: JsonObject = Field(default_factory=dict)
    status: MailStatus = MailStatus.PENDING
    attempts: int = 0
    handed_over: int = 0
    edition: int = 0
    claim: str | None = None
    error: str | None = None
    answer: str | None = None
    created_at: datetime
    next_attempt_at: datetime
    give_up_at: datetime
    sent_at: datetime | None = None
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "mail_messages"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("status", ASCENDING), ("nextAttemptAt", ASCENDING)],
                name="pending_nextAttemptAt",
                partialFilterExpression={"status": "pending"},
            ),
            IndexModel(
                [("status", ASCENDING)],
                name="undelivered",
                partialFilterExpression={"status": {"$in": list(UNDELIVERED)}},
            ),
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_createdAt",
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class MailSuppression(StoredDocument):
    """An address that gets nothing of a merchant but receipts.

    `_id` is `merchant:{pepper}.{keyed hash of the address}`: the address itself is not kept.
    Who unsubscribed stays so; what a server refused is forgotten at `purge_at`.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    masked: str
    reason: SuppressionReason
    says: str | None = None
    created_at: datetime
    purge_at: datetime | None = None

    class Settings:
        """Collection and indexes."""

        name = "mail_suppressions"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)],
                name="merchant_createdAt",
            ),
            IndexModel([("purgeAt", ASCENDING)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class MailTemplate(StoredDocument):
    """A merchant's own version of a template; `_id` is `merchant:template`. None: as premade."""

    id: str  # type: ignore[assignment]
    merchant_id: str
    template: str
    subject: str | None = None
    html: str | None = None
    text: str | None = None
    updated_at: datetime

    class Settings:
        """Collection: it is found by its id alone, and stays."""

        name = "mail_templates"
        indexes: ClassVar[list[IndexModel]] = []
