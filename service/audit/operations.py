"""Record what somebody did by hand."""

from dataclasses import dataclass, field
from datetime import datetime

from service.audit import repository
from service.audit.documents import AuditEntry
from service.core.strict_json import JsonObject
from service.storage.transactions import Transaction
from service.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Act:
    """What was done, to what, and why. `object` is `session:<id>`, `event:<id>`, `price:<item>`."""

    action: str
    object: str
    reason: str | None = None
    detail: JsonObject = field(default_factory=dict)


async def record(tx: Transaction | None, by: Principal, act: Act, now: datetime) -> None:
    """Append who did what and why, in the transaction of the change itself."""
    entry = AuditEntry(
        merchant_id=by.merchant_id,
        at=now,
        actor=by.label,
        action=act.action,
        object=act.object,
        reason=act.reason,
        detail=act.detail,
    )
    await repository.append(entry, tx)
