"""Ask for the capture of money that is held."""

from service.outbox import operations as outbox
from service.providers.facts import Payment
from service.sessions.documents import Session
from service.sessions.operations.settle.event import Settling
from service.storage.database import Row

CAPTURE = "provider.capture"


def capture_message(doing: Settling, session: Session, payment: Payment) -> Row:
    """Make the message that asks for a capture; its key is the payment."""
    return outbox.message(
        CAPTURE,
        f"{session.provider}:{payment.provider_payment_id}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload={
            "provider": session.provider,
            "providerPaymentId": payment.provider_payment_id,
            "amount": payment.amount,
            "currency": payment.currency,
        },
        now=doing.why.at,
    )
