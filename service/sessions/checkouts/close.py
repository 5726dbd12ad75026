"""Close checkouts at their provider, and apply the state that they turn out to be in."""

import asyncio

import structlog

from service.core.errors import ProviderFailed
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.outbox import repository as outbox_repository
from service.outbox.documents import Delivery, OutboxMessage
from service.payments.payments import repository as payments
from service.payments.payments.documents import BY_HAND, Payment
from service.payments.payments.states import PaymentStatus
from service.providers.base import ClosesCheckouts
from service.sessions import repository as sessions
from service.sessions.checkouts.answers import read_again, take_answer
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.moving.giving_up import CLOSE_CHECKOUT
from service.storage.answering import answers_in_time

# A person or a browser waits for the answer.
CLOSE_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


async def close_now(session: Session, refs: list[str], services: CheckoutServices) -> Session:
    """Close checkouts that were given up, before another is opened or the session is canceled.

    If one turns out to be paid, that is applied. A provider that does not answer is no reason to
    refuse: the message written with the mark keeps trying, and a payment that still arrives is
    late. Returns the session in its new state.
    """
    provider = services.providers.get(session.provider)
    if provider is None or not isinstance(provider, ClosesCheckouts):
        return session
    closed = await asyncio.gather(*(_close(session, ref, provider, services) for ref in refs))
    answered = [ref for ref, done in zip(refs, closed, strict=True) if done]
    silent = [ref for ref in refs if ref not in answered]
    now = services.clock.now()
    async with answers_in_time():
        await outbox_repository.note_delivered(_about(session, answered), now)
        await outbox_repository.hurry(_about(session, silent), services.clock)
    return await read_again(session)


async def _close(
    session: Session, ref: str, provider: ClosesCheckouts, services: CheckoutServices
) -> bool:
    try:
        async with asyncio.timeout(CLOSE_WITHIN_S):
            closed = await provider.close_checkout(ref)
    except (ProviderFailed, TimeoutError) as error:
        log.warning("checkout could not be closed yet", ref=ref, reason=str(error))
        return False
    if closed.event is not None:
        await take_answer(ref, closed.event, session, services)
    return True


def _about(session: Session, refs: list[str]) -> outbox_repository.About:
    return outbox_repository.About(
        CLOSE_CHECKOUT, session.merchant_id, session.session_id, ("ref", refs)
    )


async def close_by_message(
    delivery: Delivery, message: OutboxMessage, *, services: CheckoutServices
) -> None:
    """Close a checkout that was given up; apply the state that it turns out to be in instead.

    The provider's answer is applied even if the session is gone. A checkout whose payment is in
    the ledger is closed by that: no call is made.
    """
    ref = str(message.payload["ref"])
    async with answers_in_time():
        session = await sessions.find(message.merchant_id, message.session_id)
        paid = await payments.of_session(message.merchant_id, message.session_id)
    if any(one.provider_session_id == ref and _took_money(one) for one in paid):
        return
    provider = services.providers[str(message.payload["provider"])]
    closed = await provider.close_checkout(ref) if isinstance(provider, ClosesCheckouts) else None
    if closed is None or closed.event is None:
        return
    if session is not None:
        await take_answer(ref, closed.event, session, services)
    else:
        await take_in(Arrival(closed.event, "fetch", asked_for=message.merchant_id), services.inbox)


def _took_money(payment: Payment) -> bool:
    """Return whether a payment was made at the provider: one entered by hand closes no checkout."""
    return payment.status is PaymentStatus.SUCCEEDED and payment.payment_method != BY_HAND
