"""Tell how a payment stands, where somebody outside hears it."""

from msgspec import structs

from service.core.strict_json import JsonObject
from service.effects.applying import Applying
from service.effects.ledger import tell
from service.payments.payments.operations.record import Recorded
from service.payments.payments.operations.reported import ReportedPayment


def is_wanted(doing: Applying, reported: ReportedPayment, recorded: Recorded) -> bool:
    """Return whether a payment stands otherwise than before, and somebody hears of that.

    Nearly every event reports a payment: where nobody hears it, this is a look into a dictionary.
    """
    if recorded.status is recorded.before:
        return False
    return doing.heard(reported.merchant_id, _topic_of(recorded))


async def tell_payment(
    doing: Applying, reported: ReportedPayment, recorded: Recorded, session_id: str | None
) -> None:
    """Write the message of how a payment stands."""
    payload: JsonObject = {
        "provider": reported.provider,
        "providerPaymentId": reported.provider_payment_id,
        "amount": recorded.amount,
        "currency": recorded.currency,
        "status": recorded.status.value,
        "failureCode": reported.failure_code,
    }
    doing = structs.replace(doing, merchant_id=reported.merchant_id)
    key = f"{reported.provider}:{reported.provider_payment_id}"
    await tell(doing, _topic_of(recorded), key, session_id, payload)


def _topic_of(recorded: Recorded) -> str:
    return f"payment.{recorded.status.value}"
