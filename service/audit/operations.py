"""Record what somebody did by hand."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from service.audit import repository
from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.storage.database import Row
from service.storage.transaction import Transaction


class Actor(Protocol):
    """Who acts: a principal, or somebody who has not become one."""

    @property
    def merchant_id(self) -> str:
        """Whose trail it stands in."""
        ...

    @property
    def label(self) -> str:
        """Who it is."""
        ...

    @property
    def client(self) -> str | None:
        """Where they act from: a keyed hash of the address; None on the machine itself."""
        ...


class Act(Struct, frozen=True):
    """What was done, to what, and why. `object` is `session:<id>`, `event:<id>`, `price:<item>`."""

    action: str
    object: str
    reason: str | None = None
    detail: JsonObject = {}


async def record(tx: Transaction, by: Actor, act: Act, now: datetime) -> None:
    """Append who did what and why, in the transaction of the change itself."""
    given: Row = {
        "merchantId": by.merchant_id,
        "at": now,
        "actor": by.label,
        "client": by.client,
    }
    await repository.append(AuditEntry.new_row(given, act), tx)
