"""What goes over the wire about alerts."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct
from pydantic import Field

from service.core.views import view_of
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.states import AlertStatus
from service.web.fields import LongText
from service.web.wire import WireModel


class CloseAlert(WireModel):
    """Closes an alert."""

    example: ClassVar = {"reason": "Known; the bank works on it until Monday."}

    reason: LongText = Field(examples=["Known; the bank works on it until Monday."])
    """Stands in the trail and in the message `alert.closed`."""


class AlertView(Struct, frozen=True, rename="camel", kw_only=True):
    """An alert. `what` says what is wrong and what to do; of it somebody was told `times` times.

    `dismissed`: a person closed it, and its condition goes on.
    """

    id: str
    rule: str
    merchant_id: str
    subject: str
    status: AlertStatus
    what: str
    opened_at: datetime
    last_seen_at: datetime
    notified_at: datetime
    times: int
    closed_at: datetime | None
    closed_by: str | None
    reason: str | None


class AlertsAnswer(Struct, frozen=True, rename="camel"):
    """A page of alerts, newest first."""

    alerts: list[AlertView]
    next_cursor: str | None


class AlertAnswer(Struct, frozen=True, rename="camel"):
    """One alert."""

    alert: AlertView


def alert_view(alert: Alert) -> AlertView:
    """Show an alert."""
    return view_of(AlertView, alert)
