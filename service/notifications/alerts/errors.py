"""What can be wrong with closing an alert."""

from service.core.errors import Conflict, NotFound


class AlertNotFound(NotFound):
    """There is no such alert."""

    code = "alert_not_found"

    def __init__(self, alert_id: str) -> None:
        """Name the alert."""
        super().__init__(f"There is no alert {alert_id!r}.")


class AlertNotOpen(Conflict):
    """It was closed before, by its condition or by a person."""

    code = "alert_not_open"
