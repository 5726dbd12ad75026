"""One merchant."""

from datetime import datetime
from typing import ClassVar, Literal, Self, TypeAlias

from pydantic import Field
from pymongo import DESCENDING, IndexModel

from service.storage.documents import StoredDocument, StoredPart

FIRST_ZONE = "UTC"

LanguageCode: TypeAlias = Literal["en", "de"]
"""The languages in which a merchant's customers are written to."""
FIRST_LANGUAGE: LanguageCode = "en"


class Suspension(StoredPart):
    """Since when a merchant's keys and tokens are refused, who decided that, and why."""

    at: datetime
    by: str
    reason: str


class Merchant(StoredDocument):
    """A merchant. `id` is the `merchantId` of whatever belongs to it.

    Its days begin in `zone` (IANA). Where `default_currency` is None, DEFAULT_CURRENCY holds; where
    `mail_sender` is None, the service's own sender. Its customers may return to `return_origins`
    as well as to those of the service. Of the alerts that `alerts_off` names it opens none. Mail is
    written in `language`; what concerns the merchant itself (refunds, disputes, alerts) goes to
    `mail_recipients`, and with `lead_digest` which leads there were, once an hour at most.
    """

    id: str  # type: ignore[assignment]  # Beanie declares an ObjectId
    name: str
    zone: str = FIRST_ZONE
    default_currency: str | None = None
    mail_sender: str | None = None
    mail_recipients: list[str] = Field(default_factory=list)
    lead_digest: bool = False
    language: LanguageCode = FIRST_LANGUAGE
    logo: str | None = None
    return_origins: list[str] = Field(default_factory=list)
    alerts_off: list[str] = Field(default_factory=list)
    suspended: Suspension | None = None
    created_at: datetime
    updated_at: datetime

    class Settings:
        """Collection and indexes."""

        name = "merchants"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)], name="created_at"),
        ]

    @classmethod
    def unnamed(cls, merchant_id: str, now: datetime) -> Self:
        """Return a merchant of which only the id is known."""
        return cls(id=merchant_id, name=merchant_id, created_at=now, updated_at=now)
