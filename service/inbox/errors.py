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


class ReviewNotFound(NotFound):
    """There is no such review."""

    code = "review_not_found"

    def __init__(self, review_id: str) -> None:
        """Name the review."""
        super().__init__(f"There is no review {review_id!r}.")


class SeveralPayments(Conflict):
    """An event tells of several payments that don't fit; the call must say which it means."""

    code = "several_payments"

    def __init__(self, payment_ids: list[str]) -> None:
        """Name the payments."""
        named = ", ".join(payment_ids)
        super().__init__(f"This event has several payments in review; send paymentId: {named}.")


class NotConfirmed(Conflict):
    """The provider does not bear out, or can't be asked, what a message of its own hinted at."""

    code = "not_confirmed"


class ReplayFailed(Conflict):
    """An event that is done can't be applied again, and stays as it is."""

    code = "replay_failed"

    def __init__(self, reason: str) -> None:
        """Name the reason."""
        super().__init__(f"The event can't be applied again ({reason}); nothing was changed.")


class OnlyRejectable(Conflict):
    """The money belongs elsewhere, or goes back: a review of it can only be rejected."""

    code = "only_rejectable"


class PaymentNotSucceeded(Conflict):
    """There is no money to accept: it has not come, or will not."""

    code = "payment_not_succeeded"


class CaptureUnderWay(Conflict):
    """A capture may have been done just now; whether it was must be known first."""

    code = "capture_under_way"


class NotTheSameMoney(Conflict):
    """The payment is not the money that was entered by hand."""

    code = "not_the_same_money"


class AlreadyDecided(Conflict):
    """Somebody has decided this review already."""

    code = "already_decided"
