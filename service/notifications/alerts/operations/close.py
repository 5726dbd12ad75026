"""Close an alert by hand, on the record."""

from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.notifications.alerts import repository
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.errors import AlertNotFound, AlertNotOpen
from service.notifications.alerts.operations.messages import closed
from service.outbox import repository as outbox
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction


async def find_alert(alert_id: str, merchant_id: str | None) -> Alert:
    """Return an alert of a merchant or, for None, of any. Raises `AlertNotFound`."""
    async with answers_in_time():
        found = await repository.find(alert_id, merchant_id, NO_TRANSACTION)
    if found is None:
        raise AlertNotFound(alert_id)
    return found


async def close_alert(alert: Alert, reason: str, by: Principal, clock: Clock) -> Alert:
    """Close an open alert for a reason, and return it; nobody is told of it again.

    While its condition goes on it stays dismissed: the same opens an alert again only once it was
    over in between. Raises `AlertNotOpen`.
    """
    async with answers_in_time():
        now = await repository.database_now(clock)
    changes: Row = {
        "status": "dismissed",
        "closedAt": now,
        "closedBy": by.label,
        "reason": reason,
    }

    async def work(tx: Transaction) -> Alert:
        changed = await repository.change_open(alert.id, alert.merchant_id, changes, tx)
        if changed is None:
            raise AlertNotOpen(f"The alert {alert.id} was closed meanwhile; nothing was done.")
        await outbox.add_once([closed(changed, by.label, reason, now)], tx)
        detail: JsonObject = {"rule": alert.rule, "subject": alert.subject}
        await record(tx, by, Act("alert.closed", f"alert:{alert.id}", reason, detail), now)
        return changed

    return await in_transaction(work)
