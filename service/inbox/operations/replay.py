"""Apply events again: those that wait, and those that a person picks."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import structlog

from service.audit.operations import Act, record
from service.core.errors import InvalidInput, Misconfigured, TillgateError, Unavailable
from service.core.lanes import EVERYTHING, Lane, over
from service.core.principal import Principal
from service.inbox import repository
from service.inbox.documents import WebhookEvent
from service.inbox.errors import AlreadyDecided, EventNotFound
from service.inbox.operations.inbox import Arrival, Inbox, Receipt
from service.inbox.operations.keeping import stored_event
from service.inbox.operations.receive import take_in
from service.inbox.states import DONE, InboxStatus, next_attempt_at
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

LEASE = timedelta(seconds=60)

log = structlog.get_logger(__name__)


async def lane_of_waiting(inbox: Inbox, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a waiting event is due, if there is one."""
    async with answers_in_time():
        return await repository.find_waiting_lane(inbox.clock, lanes)


async def retry_waiting(
    inbox: Inbox,
    *,
    limit: int = 100,
    lane: Lane = EVERYTHING,
    stopping: asyncio.Event | None = None,
) -> int:
    """Try every waiting event of a lane that is due; return how many were tried.

    Ends before the next one once stopping is requested.
    """
    tried = 0
    while tried < limit and not over(stopping):
        async with answers_in_time():
            row = await repository.claim_waiting(inbox.clock, LEASE, lane)
        if row is None:
            break
        tried += 1
        try:
            await _again(row, inbox)
        except Unavailable as error:
            log.warning("event waits for the database", event_id=row.id, reason=str(error))
            break
    return tried


async def retry_by_hand(inbox: Inbox, by: Principal, *, limit: int) -> int:
    """Try the waiting events that are due, on the record; return how many were tried."""
    tried = await retry_waiting(inbox, limit=limit)
    async with answers_in_time():
        act = Act("events.retried", "inbox", detail={"tried": tried})
        await record(NO_TRANSACTION, by, act, inbox.clock.now())
    return tried


async def replay_event(inbox_id: str, by: Principal, inbox: Inbox) -> Receipt:
    """Apply a stored event again, on the record.

    Raises `EventNotFound`, `AlreadyDecided`, `NotConfirmed` for a hint that was believed once and
    that the provider does not bear out now, `ReplayFailed` for what is done and can't be applied.
    """
    async with answers_in_time():
        row = await repository.find(inbox_id, by.merchant_id)
    if row is None:
        raise EventNotFound(inbox_id)
    if row.is_decided:
        raise AlreadyDecided(f"{inbox_id} has been decided by a person; it is not replayed.")
    row.learned = None  # a person who tries again wants the provider asked again, too
    receipt = await _again(row, inbox)
    act = Act("event.replayed", f"event:{inbox_id}", detail={"outcome": receipt.outcome.value})
    async with answers_in_time():
        await record(NO_TRANSACTION, by, act, inbox.clock.now())
    return receipt


async def _again(row: WebhookEvent, inbox: Inbox) -> Receipt:
    """Read what is stored anew: a fault that was mended since is mended for old events."""
    provider = inbox.providers.get(row.provider)
    try:
        if provider is None:
            raise Misconfigured(f"{row.provider} has no credentials any more.")
        event = stored_event(row, provider)
    except TillgateError as error:
        return await _postpone(row, error, inbox)
    # What was asked for was asked for a session of ours; a webhook names its merchant itself.
    asked_for = row.merchant_id if row.source == "fetch" else None
    return await take_in(Arrival(event, row.source, row, asked_for), inbox)


async def _postpone(row: WebhookEvent, error: TillgateError, inbox: Inbox) -> Receipt:
    if row.status in DONE:  # nothing waits for it: whoever asked is shown what is missing
        raise InvalidInput(f"The event can't be replayed: {error.message}") from error
    again_at = next_attempt_at(row.received_at, row.attempts, inbox.clock.now())
    status = InboxStatus.FAILED if again_at else InboxStatus.DEAD
    async with answers_in_time():
        purge_at = None if again_at else inbox.clock.now() + inbox.keep_for
        await repository.postpone(row, error.message, status, again_at, purge_at)
    return Receipt(status, session_id=row.session_id)
