"""One entry of the trail."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.storage.documents import StoredDocument


class AuditEntry(StoredDocument):
    """Who did what to which object, when, from where and why.

    `actor` is a key's label or `user:<id>`; `object` is `session:<id>`, `event:<id>` and so on.
    `client` is a keyed hash of the address, None for what was done on the machine itself.
    """

    merchant_id: str
    at: datetime
    actor: str
    client: str | None = None
    action: str
    object: str
    reason: str | None = None
    detail: JsonObject = Field(default_factory=dict)

    class Settings:
        """Collection and indexes."""

        name = "audit_log"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                [("merchantId", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)],
                name="merchant_at",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("object", ASCENDING),
                    ("at", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_object_at",
            ),
            IndexModel(
                [
                    ("merchantId", ASCENDING),
                    ("actor", ASCENDING),
                    ("at", DESCENDING),
                    ("_id", DESCENDING),
                ],
                name="merchant_actor_at",
            ),
        ]
