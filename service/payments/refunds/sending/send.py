"""Ask a provider for a refund: once, however often it is tried, and until somebody knows."""

import asyncio
from datetime import timedelta
from functools import partial

import msgspec
import structlog

from service.core.errors import Busy, ProviderFailed, ProviderUnreachable, RefundRefused
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.outbox.documents import Delivery, OutboxMessage
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.answers import (
    begin_call,
    leave_to_person,
    note_refusal,
    note_repetition,
    withhold,
)
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.states import RefundStatus
from service.providers.base import VerifiedEvent
from service.providers.refunding import RefundRequest, Refunds
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION, in_transaction

# Stripe may forget an idempotency key after 24 hours; the same call would then refund once more.
REPEATED_FOR = timedelta(hours=23)

log = structlog.get_logger(__name__)


async def send_by_message(
    delivery: Delivery, message: OutboxMessage, *, services: RefundServices
) -> None:
    """Ask for a refund that was approved; raises what has it tried again later."""
    refund_id = str(message.payload["refundId"])
    async with answers_in_time():
        refund = await repository.find(message.merchant_id, refund_id, NO_TRANSACTION)
    if refund is not None:
        await send(refund, services)


async def send(refund: Refund, services: RefundServices, within: float | None = None) -> None:
    """Ask a provider for a refund, for some seconds at most; its answer goes into the inbox.

    One that may have reached the provider is asked about before it is asked for again, and after
    23 hours never again: a person decides. Raises `ProviderFailed` while the outcome is unknown or
    nothing was done yet, and `Busy` where somebody else is at it.
    """
    if refund.status is RefundStatus.APPROVED:
        provider, now = provider_of(refund, services), services.clock.now()
        payment = await _payment_of(refund)
        if payment.held > 0:
            await in_transaction(partial(withhold, refund=refund, now=now))
            return
        async with answers_in_time():
            began = await begin_call(refund, _request(refund, payment), now)
        if began is None:
            raise Busy("Somebody else asks for this refund.")
        await _call(began, provider, services, within)
    elif refund.is_unanswered and refund.needs_person is None:
        await _send_again(refund, provider_of(refund, services), services, within)


async def _send_again(
    refund: Refund, provider: Refunds, services: RefundServices, within: float | None
) -> None:
    if await _is_too_old(refund, provider, services) or await take_found(refund, services):
        return
    if (await _payment_of(refund)).held > 0:
        raise ProviderFailed("A dispute holds the money: the refund is not asked for again.")
    async with answers_in_time():
        again = await note_repetition(refund, services.clock.now())
    if again is None:
        raise Busy("Somebody else asks for this refund, or its answer has come.")
    await _call(again, provider, services, within)


async def _is_too_old(refund: Refund, provider: Refunds, services: RefundServices) -> bool:
    """Return whether a refund can't be asked for any more; then its outcome is found, or left open.

    A person decides about the latter.
    """
    now = services.clock.now()
    if refund.called_at is None or now - refund.called_at < REPEATED_FOR:
        return False
    try:
        if await take_found(refund, services):
            return True
        why = "its provider knows of no such refund, and may make it twice if it is asked again"
    except ProviderFailed as error:
        why = f"its provider could not be asked what became of it ({error.message})"
    log.error("a refund needs a person", refund_id=refund.refund_id, why=why)
    async with answers_in_time():
        await leave_to_person(
            refund, f"No answer came to this refund within 23 hours, and {why}.", now
        )
    return True


async def take_found(refund: Refund, services: RefundServices) -> bool:
    """Ask what became of a refund, and apply the answer; return whether the provider knows of it.

    Raises `ProviderFailed`.
    """
    provider = provider_of(refund, services)
    found = await provider.find_refund(sent(refund), refund.provider_refund_id)
    if found is None:
        return False
    await _take(refund, found, services)
    return True


async def _call(
    refund: Refund, provider: Refunds, services: RefundServices, within: float | None
) -> None:
    try:
        async with asyncio.timeout(within):
            event = await provider.refund(sent(refund))
    except TimeoutError as error:
        raise ProviderUnreachable(f"{refund.provider} did not answer in time.") from error
    except RefundRefused as refusal:
        await _take_refusal(refund, refusal, services)
        return
    await _take(refund, event, services)


async def _take_refusal(refund: Refund, refusal: RefundRefused, services: RefundServices) -> None:
    """Fail a refund that was refused; of a repetition only where the first call made none."""
    if refund.attempts > 1 and await take_found(refund, services):
        return
    log.warning("refund refused", refund_id=refund.refund_id, reason=refusal.reason)
    await in_transaction(
        partial(
            note_refusal,
            refund=refund,
            code=refusal.reason,
            words=refusal.message,
            now=services.clock.now(),
        )
    )


async def _take(refund: Refund, event: VerifiedEvent, services: RefundServices) -> None:
    await take_in(Arrival(event, "fetch", asked_for=refund.merchant_id), services.inbox)


def provider_of(refund: Refund, services: RefundServices) -> Refunds:
    """Return the provider of a refund. Raises `ProviderFailed` where it can't be asked any more."""
    provider: object = services.providers.get(refund.provider)
    if not isinstance(provider, Refunds):
        raise ProviderFailed(f"{refund.provider} is not set up here, and can't be asked.")
    return provider


def sent(refund: Refund) -> RefundRequest:
    """Return what the provider was asked for the first time; every repetition is the same.

    It never was for one that was made there, which it knows by its own id.
    """
    if refund.sent is None:
        return RefundRequest(
            refund_id=refund.provider_refund_id or refund.refund_id,
            provider_payment_id=refund.provider_payment_id,
            amount=refund.amount,
            currency=refund.currency,
            payment_amount=refund.amount,
            charge_id=refund.charge_id,
        )
    return msgspec.convert(refund.sent, RefundRequest)


async def _payment_of(refund: Refund) -> Payment:
    async with answers_in_time():
        payment = await payments.find_by_key(refund.payment_id, NO_TRANSACTION)
    if payment is None:  # none is ever deleted
        raise LookupError(f"The payment of refund {refund.refund_id} is gone.")
    return payment


def _request(refund: Refund, payment: Payment) -> RefundRequest:
    return RefundRequest(
        refund_id=refund.refund_id,
        provider_payment_id=refund.provider_payment_id,
        amount=refund.amount,
        currency=refund.currency,
        payment_amount=payment.amount,
        charge_id=_charge_of(payment),
        order_id=payment.provider_session_id,
        reason=refund.reason,
    )


def _charge_of(payment: Payment) -> str | None:
    charge = payment.details.get("chargeId")
    return charge if isinstance(charge, str) else None
