"""Alerts in words. Pure."""

from datetime import datetime

from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.core.words import age, moment
from service.dashboard.money import Standing, facts, standing
from service.dashboard.said import shortened
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.states import AlertStatus
from service.providers.actors import actor

LONGEST_ID = 80
_LONGEST_REASON = 500

_TONES: dict[AlertStatus, str] = {"open": "bad", "dismissed": "warn", "closed": "good"}


class AlertLine(Struct, frozen=True):
    """An alert: what it is called, what is wrong and what to do, how it stands."""

    alert_id: str
    name: str
    what: str
    status: Standing
    more: list[tuple[str, str]]
    closes: bool


def alert_line(alert: Alert, reader: Principal, now: datetime) -> AlertLine:
    """Return the line of an alert; `closes`: this reader may close it."""
    until = alert.closed_at or now
    merchant = alert.merchant_id if alert.merchant_id != reader.merchant_id else ""
    return AlertLine(
        alert_id=alert.id,
        name=alert_name(alert),
        what=alert.what,
        status=standing(alert.status, _TONES[alert.status]),
        more=facts(
            [
                ("Merchant", shortened(merchant, LONGEST_ID)),
                ("Opened", f"{moment(alert.opened_at)}, for {age(until - alert.opened_at)}"),
                ("Last seen", moment(alert.last_seen_at)),
                ("Told", f"{alert.times} times" if alert.times > 1 else "once"),
                ("Closed", moment(alert.closed_at) if alert.closed_at else None),
                ("Closed by", alert.closed_by and actor(alert.closed_by)),
                ("Reason", shortened(alert.reason or "", _LONGEST_REASON)),
            ]
        ),
        closes=alert.status == "open" and AccessScope.ALERTS_WRITE in reader.scopes,
    )


def alert_name(alert: Alert) -> str:
    """Return what an alert is called: `Jobs late: cleanup`."""
    subject = f": {shortened(alert.subject, LONGEST_ID)}" if alert.subject else ""
    return f"{alert.rule.replace('_', ' ').capitalize()}{subject}"
