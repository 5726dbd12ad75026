"""What can be wrong with a decision."""

from service.core.errors import Conflict, NotFound


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


class OnlyRejectable(Conflict):
    """The money belongs elsewhere, or goes back: a review of it can only be rejected."""

    code = "only_rejectable"


class NotRefundable(Conflict):
    """The money can't be given back by this decision."""

    code = "not_refundable"


class PaymentNotSucceeded(Conflict):
    """There is no money to accept: it has not come, or will not."""

    code = "payment_not_succeeded"


class CaptureUnderWay(Conflict):
    """A capture may have been done just now; whether it was must be known first."""

    code = "capture_under_way"


class NotTheSameMoney(Conflict):
    """The payment is not the money that was entered by hand."""

    code = "not_the_same_money"
