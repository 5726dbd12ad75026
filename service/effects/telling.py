"""Tell how a payment stands that an event reports, where somebody outside hears it."""

from service.effects.applying import Applying
from service.payments.payments.operations.record import Recorded
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.operations.telling import PaymentTold, tell_payment, topic_of


def is_wanted(doing: Applying, reported: ReportedPayment, recorded: Recorded) -> bool:
    """Return whether a payment stands otherwise, or is another merchant's, and somebody hears it.

    Nearly every event reports a payment: where nobody hears it, this is a look into a dictionary.
    """
    if recorded.status is recorded.before and not recorded.moved:
        return False
    return doing.heard(reported.merchant_id, topic_of(recorded.status))


async def tell_reported(
    doing: Applying, reported: ReportedPayment, recorded: Recorded, session_id: str | None
) -> None:
    """Write the message of how a payment stands."""
    told = PaymentTold(
        reported.merchant_id,
        session_id,
        reported.provider,
        reported.provider_payment_id,
        recorded.amount,
        recorded.currency,
        recorded.status,
        reported.failure_code,
    )
    await tell_payment(doing.tx, told, doing.event.inbox_id, doing.cause.at, doing.heard)
