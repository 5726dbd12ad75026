"""Capture the money that a provider holds for a session."""

import structlog

from service.outbox.documents import OutboxMessage
from service.sessions import repository as sessions
from service.sessions.states import Status
from service.storage.transactions import answers_in_time
from service.webhooks.operations.inbox import Inbox

log = structlog.get_logger(__name__)


async def capture_by_message(message: OutboxMessage, inbox: Inbox) -> None:
    """Capture an authorized payment; the provider's webhook then completes the session.

    Not where another payment has completed the session since: the customer would pay twice. What
    is held is given back by the provider after some days.
    """
    payload = message.payload
    provider = inbox.providers[str(payload["provider"])]
    payment_id, amount = str(payload["providerPaymentId"]), payload["amount"]
    if not isinstance(amount, int):
        raise TypeError(f"the amount of {message.id} is no integer")
    async with answers_in_time():
        session = await sessions.find(message.merchant_id, message.session_id)
    completed = session is not None and session.status is Status.COMPLETED
    if session is not None and completed and session.provider_payment_id != payment_id:
        log.info("payment is not captured: another one completed", payment_id=payment_id)
        return
    await provider.capture(payment_id, amount, str(payload["currency"]))
