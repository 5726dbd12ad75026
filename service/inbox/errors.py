"""What can be wrong with the inbox."""

from typing import ClassVar

from service.core.errors import Conflict, NotFound, TooManyRequests


class WebhookRouteMissing(NotFound):
    """No webhook secret is set for this provider, so it has no route."""

    code = "webhook_route_missing"


class TooManyRejected(TooManyRequests):
    """A client has sent more rejected deliveries this minute than are answered with a reason.

    A row of the rejections counts it, so it leaves no line: a flood must not fill the disk.
    """

    logged: ClassVar[bool] = False


class EventNotFound(NotFound):
    """There is no such event."""

    code = "event_not_found"

    def __init__(self, event_id: str) -> None:
        """Name the event."""
        super().__init__(f"There is no event {event_id!r}.")


class NotConfirmed(Conflict):
    """The provider does not bear out, or can't be asked, what a message of its own hinted at."""

    code = "not_confirmed"


class ReplayFailed(Conflict):
    """An event that is done can't be applied again, and stays as it is."""

    code = "replay_failed"

    def __init__(self, reason: str) -> None:
        """Name the reason."""
        super().__init__(f"The event can't be applied again ({reason}); nothing was changed.")


class AlreadyDecided(Conflict):
    """Somebody has decided this review already."""

    code = "already_decided"
