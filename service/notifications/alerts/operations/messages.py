"""The messages by which people hear of an alert; each is written with what it tells of."""

from datetime import datetime
from typing import Final

from service.core.strict_json import JsonObject
from service.notifications.alerts.documents import Alert
from service.outbox.operations.messages import message
from service.storage.database import Row

OPENED: Final = "alert.opened"
REPEATED: Final = "alert.repeated"
CLOSED: Final = "alert.closed"


def opened(alert: Alert) -> Row:
    """Say that a condition was seen."""
    return _message(OPENED, alert.id, alert, alert.opened_at)


def repeated(alert: Alert, what: str, now: datetime) -> Row:
    """Say that a condition still is there, in the words of now."""
    times = alert.times + 1
    more: JsonObject = {"what": what, "times": times}
    return _message(REPEATED, f"{alert.id}:{times}", alert, now, more)


def closed(alert: Alert, by: str | None, reason: str | None, now: datetime) -> Row:
    """Say that a condition is over, or that a person closed its alert."""
    more: JsonObject = {"closedAt": now.isoformat(), "closedBy": by, "reason": reason}
    return _message(CLOSED, alert.id, alert, now, more)


def _message(
    topic: str, key: str, alert: Alert, now: datetime, more: JsonObject | None = None
) -> Row:
    payload: JsonObject = {
        "alertId": alert.id,
        "rule": alert.rule,
        "subject": alert.subject,
        "what": alert.what,
        "since": alert.opened_at.isoformat(),
    }
    return message(
        topic,
        key,
        merchant_id=alert.merchant_id,
        session_id="",
        payload=payload | (more or {}),
        now=now,
    )
