"""Ask the provider in which checkout a payment was made, where its event does not tell."""

import asyncio
from functools import partial

import structlog

from service.core.errors import ProviderFailed
from service.inbox.documents import Source, WebhookEvent
from service.inbox.operations.apply import Asking, apply_event
from service.inbox.operations.inbox import Inbox, Receipt
from service.providers.base import KnowsCheckouts, VerifiedEvent, knowing
from service.sessions.operations.settle.own import CheckoutUnknown

# The provider waits for our answer meanwhile.
ASK_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


async def apply_or_ask(
    event: VerifiedEvent,
    inbox: Inbox,
    *,
    source: Source = "webhook",
    before: WebhookEvent | None = None,
    merchant_id: str | None = None,
) -> Receipt:
    """Apply an event; if nobody knows in which checkout its payment was made, ask and apply then.

    Outside of the transaction, and bounded. While the provider is silent the event is parked, and
    its next try asks again.
    """
    apply = partial(apply_event, inbox=inbox, source=source, before=before, merchant_id=merchant_id)
    provider = inbox.providers.get(event.provider)
    if not isinstance(provider, KnowsCheckouts):
        return await apply(event)
    try:
        return await apply(event, asking=Asking.FIRST)
    except CheckoutUnknown as unknown:
        matched = unknown.matched
    try:
        async with asyncio.timeout(ASK_WITHIN_S):
            learned = await provider.checkout_of(event, matched=matched)
    except (ProviderFailed, TimeoutError) as error:
        log.warning("no answer about a payment", event_id=event.inbox_id, reason=str(error))
        return await apply(event, asking=Asking.SILENT)
    if learned is not None:
        event = knowing(event, learned)
    return await apply(event)
