"""Capture the money that a provider holds for a session: one payment only, whatever happens."""

import structlog

from service.core.errors import CaptureRefused, ProviderFailed
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.outbox.documents import Delivery, OutboxMessage
from service.providers.base import Captures
from service.providers.facts import PaymentAuthorized
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.reviewing.captures import claim_next, is_claim, release_refused
from service.sessions.operations.reviewing.sync_reviews import sync_reviews
from service.sessions.states import FINAL
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

log = structlog.get_logger(__name__)


async def capture_by_message(
    delivery: Delivery, message: OutboxMessage, *, services: CheckoutServices
) -> None:
    """Capture the payment that its session has claimed; the provider's webhook then completes it.

    Not for a session that is completed or canceled, nor once another payment holds the claim: the
    customer would pay twice. Held money is released by the provider after some days. A try with an
    unknown outcome may have taken the money, so the payment is read again before the next one.
    When the provider refuses a capture, the claim is released and the next held payment is tried.
    """
    payment_id, amount = message.payload["providerPaymentId"], message.payload["amount"]
    if not isinstance(amount, int) or not isinstance(payment_id, str):
        raise TypeError(f"{message.id} does not say what to capture")
    if not await _is_wanted(message, payment_id, services):
        log.info("payment is not captured: nobody claims it any more", payment_id=payment_id)
        return
    name = str(message.payload["provider"])
    provider = services.providers[name]
    if not isinstance(provider, Captures):
        raise ProviderFailed(f"{name} holds no money that could be captured.")
    if delivery.attempts > 1 and not await _still_held(message, payment_id, provider, services):
        return
    try:
        await provider.capture(payment_id, amount, str(message.payload["currency"]))
    except CaptureRefused as refusal:
        log.warning("capture refused", payment_id=payment_id, reason=str(refusal))
        if await _still_held(message, payment_id, provider, services):
            await _release(message, payment_id, services)


async def _is_wanted(message: OutboxMessage, payment_id: str, services: CheckoutServices) -> bool:
    async with answers_in_time():
        session = await sessions.find(message.merchant_id, message.session_id)
    if session is None or session.status in FINAL:
        return False
    claimed_at = message.payload.get("claimedAt")
    if claimed_at is None and session.capturing is None:  # written by a version without claims
        await _claim(message, payment_id, services)
        return False
    return is_claim(session, payment_id, claimed_at)


async def _still_held(
    message: OutboxMessage, payment_id: str, provider: Captures, services: CheckoutServices
) -> bool:
    """Read the payment again and apply its state; return whether it still awaits capture."""
    event = await provider.fetch(payment_id)
    if not event.facts:
        raise ProviderFailed(f"{event.provider} tells nothing of payment {payment_id!r} yet.")
    await take_in(Arrival(event, "fetch", asked_for=message.merchant_id), services.inbox)
    held = {
        fact.payment.provider_payment_id
        for fact in event.facts
        if isinstance(fact, PaymentAuthorized)
    }
    return payment_id in held and await _is_wanted(message, payment_id, services)


async def _release(message: OutboxMessage, payment_id: str, services: CheckoutServices) -> None:
    now = services.clock.now()

    async def work(tx: Transaction) -> None:
        session = await sessions.find_within(tx, message.merchant_id, message.session_id)
        if session is not None and is_claim(session, payment_id, None):
            released = await release_refused(tx, session, payment_id, now)
            await sync_reviews(tx, None, session, released, services.inbox)

    await in_transaction(work)


async def _claim(message: OutboxMessage, payment_id: str, services: CheckoutServices) -> None:
    async def work(tx: Transaction) -> None:
        session: Session | None
        session = await sessions.find_within(tx, message.merchant_id, message.session_id)
        if session is not None and session.capturing is None:
            await claim_next(tx, session, [payment_id], services.clock.now())

    await in_transaction(work)
