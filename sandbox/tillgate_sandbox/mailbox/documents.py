"""A mail as the mailbox keeps it."""

from datetime import datetime
from typing import ClassVar

from pymongo import DESCENDING, IndexModel

from service.storage.documents import StoredDocument


class SandboxMail(StoredDocument):
    """A mail that was taken: whom it is for, its subject, and its two texts."""

    id: str  # type: ignore[assignment]
    sender: str
    to: list[str]
    subject: str
    html: str
    text: str
    size: int
    at: datetime
    purge_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "sandbox_mails"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("at", DESCENDING)], name="at"),
            IndexModel([("purgeAt", 1)], name="purgeAt_ttl", expireAfterSeconds=0),
        ]
