"""Tell those outside how a payment stands, where somebody hears it."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.outbox.operations.hearing import Heard
from service.payments.payments.states import PaymentStatus
from service.storage.transaction import Transaction


class PaymentTold(Struct, frozen=True):
    """What is told of a payment; its amount is in minor units."""

    merchant_id: str
    session_id: str | None
    provider: str
    provider_payment_id: str
    amount: int
    currency: str
    status: PaymentStatus
    failure_code: str | None = None


def topic_of(status: PaymentStatus) -> str:
    """Return the topic of the message that a payment stands so."""
    return f"payment.{status.value}"


async def tell_payment(
    tx: Transaction, told: PaymentTold, by: str | None, now: datetime, heard: Heard
) -> None:
    """Write the message of how a payment stands since a change, where somebody hears that.

    `by` is the event that brought the change, None where it was a person or the clock: once for
    each. Where nobody hears it, this is a look into a dictionary.
    """
    topic = topic_of(told.status)
    if not heard(told.merchant_id, topic):
        return
    payload: JsonObject = {
        "provider": told.provider,
        "providerPaymentId": told.provider_payment_id,
        "amount": told.amount,
        "currency": told.currency,
        "status": told.status.value,
        "failureCode": told.failure_code,
    }
    cause = by or f"{now.timestamp():.3f}"
    row = outbox.message(
        topic,
        f"{told.merchant_id}:{told.provider}:{told.provider_payment_id}:{cause}",
        merchant_id=told.merchant_id,
        session_id=told.session_id or "",
        payload=payload,
        now=now,
    )
    await messages.add_once([row], tx)
