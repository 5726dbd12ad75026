"""Receive a delivery: verify it, confirm what needs confirming, apply it, and lose nothing."""

import asyncio
from collections.abc import Mapping

import structlog
from msgspec import structs

from service.core.errors import (
    ProviderFailed,
    SignatureRejected,
    TillgateError,
    Unavailable,
    reason_of,
)
from service.core.measures import REJECTIONS, WEBHOOK_LAG, WEBHOOKS, counter
from service.inbox import repository
from service.inbox.documents import WebhookEvent
from service.inbox.errors import NotConfirmed, ReplayFailed, WebhookRouteMissing
from service.inbox.operations.apply import apply_event, apply_or_ask
from service.inbox.operations.inbox import Arrival, Inbox, Outcome, Receipt, parked
from service.inbox.operations.keeping import row_of
from service.inbox.states import DONE, InboxStatus
from service.providers.base import AnswersHints, VerifiedEvent, confirmed_by
from service.providers.facts import CheckoutOpen, Unreadable
from service.storage.answering import DatabaseError, Duplicate, answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION

# A provider that is asked while it waits for our answer gets this long.
CONFIRM_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


async def receive_webhook(
    name: str,
    headers: Mapping[str, str],
    body: bytes,
    inbox: Inbox,
    client: str | None = None,
) -> Receipt:
    """Verify a delivery and apply its event; `client` names who sent it, by a hash.

    Raises `WebhookRouteMissing` without a secret, `SignatureRejected` for what is not believed or
    `TooManyRejected` for much of it from one address, and `Unavailable` when nothing could be
    written; after verification it raises nothing else.
    """
    provider = inbox.webhook_providers.get(name)
    if provider is None:
        raise WebhookRouteMissing(f"There is no webhook route for {name!r}: no secret is set.")
    now = inbox.clock.now()
    try:
        event = provider.verify(headers, body, now)
    except SignatureRejected as rejection:
        counter(REJECTIONS, name, rejection.reason).inc()
        inbox.rejections.note(name, rejection.reason, len(body), client, now)
        raise
    receipt = await take_in(Arrival(event), inbox)
    counter(WEBHOOKS, name, "duplicate" if receipt.duplicate else receipt.outcome).inc()
    if not receipt.duplicate:
        WEBHOOK_LAG.observe(max(0.0, (now - event.occurred_at).total_seconds()), name)
    return receipt


async def take_in(arrival: Arrival, inbox: Inbox) -> Receipt:
    """Take a verified event into the inbox. The one road for webhooks, re-reads and replays.

    An exception while it is applied keeps the event as `failed`, to be tried again. Raises
    `Unavailable` when not even that can be written, and `NotConfirmed` or `ReplayFailed` for a
    replay that changes nothing: what was done stays done.
    """
    event, before = arrival.event, arrival.before
    try:
        if event.needs_confirmation is not None:
            if before is None and (known := await _done_before(event)):
                return known
            confirmed = await _confirm(event, inbox)
            if confirmed is None:
                return await _keep_unconfirmed(arrival, inbox)
            arrival = structs.replace(arrival, event=confirmed)
        return await apply_or_ask(arrival, inbox)
    except (Unavailable, NotConfirmed, ReplayFailed):
        raise
    except Exception as error:
        # Of what is ours alone: a body that can't be read must not fill the log with itself.
        foreign = not isinstance(error, TillgateError)
        log.error("event could not be applied", event_id=event.inbox_id, exc_info=foreign)
        reason = reason_of(error)
        if before is not None and before.status in DONE:
            raise ReplayFailed(reason) from error
    try:
        return await _keep_failed(arrival, inbox, reason)
    except DatabaseError as error:
        # Nothing is kept: whatever the database said, the provider must send it again.
        raise Unavailable("The event could not be kept; send it again.") from error


async def _done_before(hint: VerifiedEvent) -> Receipt | None:
    """Return the receipt of a hint whose work is done: there is nothing to ask for."""
    async with answers_in_time():
        known = await repository.find(hint.inbox_id)
    if known is None or known.status not in DONE:
        return None
    return Receipt(known.status, duplicate=True, session_id=known.session_id)


async def _confirm(hint: VerifiedEvent, inbox: Inbox) -> VerifiedEvent | None:
    """Ask the provider about an event whose signature does not cover what it says.

    None where the provider does not answer, or reports another state. If what it reports instead
    is more than the hint does, that is applied under its own id.
    """
    provider = inbox.providers[hint.provider]
    if not isinstance(provider, AnswersHints):
        return None
    try:
        async with asyncio.timeout(CONFIRM_WITHIN_S):
            answer = await provider.ask_about(hint)
    except (ProviderFailed, TimeoutError) as error:
        log.warning("event could not be confirmed", event_id=hint.inbox_id, reason=str(error))
        return None
    confirmed = confirmed_by(hint, answer)
    if confirmed is None and not all(isinstance(fact, CheckoutOpen) for fact in answer.facts):
        await apply_event(Arrival(answer, "fetch"), inbox)
    return confirmed


async def _keep_unconfirmed(arrival: Arrival, inbox: Inbox) -> Receipt:
    """Keep a hint that is not believed: to be asked about again, and a row that is done as it is.

    Raises `NotConfirmed` for the latter.
    """
    if arrival.before is not None and arrival.before.status in DONE:
        raise NotConfirmed("The provider has not confirmed the event now; nothing was changed.")
    for fact in arrival.event.facts:
        if isinstance(fact, Unreadable):
            return await _keep_failed(arrival, inbox, fact.reason)
    return await _keep(arrival, inbox, parked("the provider has not confirmed it", arrival, inbox))


async def _keep_failed(arrival: Arrival, inbox: Inbox, error: str) -> Receipt:
    waiting = parked("an error while it was applied", arrival, inbox)
    status = waiting.status if waiting.status is InboxStatus.DEAD else InboxStatus.FAILED
    return await _keep(arrival, inbox, structs.replace(waiting, status=status, error=error))


async def _naming(arrival: Arrival, inbox: Inbox, outcome: Outcome) -> Outcome:
    """Name the session that a waiting event means, if it can be found: it is not purged then."""
    try:
        async with answers_in_time():
            named = await inbox.find_session(arrival)
    except Exception as error:  # the event must be kept whatever is wrong with it
        log.warning("no session found", event_id=arrival.event.inbox_id, reason=str(error))
        return outcome
    if named is None:
        return outcome
    return structs.replace(outcome, session_id=named.session_id, merchant_id=named.merchant_id)


async def _keep(arrival: Arrival, inbox: Inbox, outcome: Outcome) -> Receipt:
    """Write the row alone; a row that another delivery finished in the meantime stays."""
    row = row_of(arrival, await _naming(arrival, inbox, outcome), inbox)
    async with answers_in_time():
        if await _written(row, arrival.before):
            return Receipt(outcome.status)
        known = await repository.find(row["_id"])
    if known is None:
        raise Unavailable("The event is not durable yet; send it again.")
    return Receipt(known.status, duplicate=known.status in DONE, session_id=known.session_id)


async def _written(row: Row, before: WebhookEvent | None) -> bool:
    if before is not None:
        return await repository.replace(row, {before.status}, NO_TRANSACTION)
    try:
        await repository.insert(row, NO_TRANSACTION)
    except Duplicate:
        return False
    return True
