"""Write messages, and deliver those that are due by a table topic -> handler."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from service.core.clock import Clock
from service.core.errors import TillgateError
from service.core.lanes import EVERYTHING, Lane, over
from service.core.measures import Figure
from service.core.strict_json import JsonObject
from service.leases.backoff import backoff, jittered
from service.outbox import repository
from service.outbox.documents import OutboxMessage
from service.storage.answering import answers_in_time
from service.storage.database import Row

Handler: TypeAlias = Callable[[OutboxMessage], Awaitable[None]]
Handlers: TypeAlias = Mapping[str, Handler]

LEASE = timedelta(seconds=60)
FIRST_WAIT = timedelta(seconds=2)
GIVE_UP_AFTER = timedelta(days=3)
KEEP_FOR = timedelta(days=90)

log = structlog.get_logger(__name__)


def message(
    topic: str, key: str, *, merchant_id: str, session_id: str, payload: JsonObject, now: datetime
) -> Row:
    """Make the row of a message; `key` is what makes it the same thing when it is sent again.

    Each event leaves one: an `OutboxMessage` would be made only to be taken apart again.
    """
    return OutboxMessage.new_row(
        {
            "_id": f"{topic}:{key}",
            "merchantId": merchant_id,
            "topic": topic,
            "sessionId": session_id,
            "payload": payload,
            "createdAt": now,
            "nextAttemptAt": now,
            "purgeAt": now + KEEP_FOR,
        }
    )


async def lane_of_due(handlers: Handlers, clock: Clock, lanes: Sequence[Lane]) -> Lane | None:
    """Return one of some lanes in which a message is due, if there is one."""
    async with answers_in_time():
        return await repository.find_due_lane(list(handlers), clock, lanes)


async def deliver_due(
    handlers: Handlers,
    clock: Clock,
    *,
    limit: int = 100,
    lane: Lane = EVERYTHING,
    stopping: asyncio.Event | None = None,
) -> int:
    """Run the handler of every due message of a lane, one after the other.

    Ends before the next one once stopping is requested. Returns how many were delivered.
    """
    delivered = 0
    for _ in range(limit):
        if over(stopping):
            break
        async with answers_in_time():
            claimed = await repository.claim_due(list(handlers), clock, LEASE, lane)
        if claimed is None:
            break
        delivered += await _deliver(claimed, handlers[claimed.topic], clock)
    return delivered


async def _deliver(claimed: OutboxMessage, handler: Handler, clock: Clock) -> bool:
    try:
        await handler(claimed)
    except Exception as error:
        now = clock.now()
        given_up = now - claimed.created_at > GIVE_UP_AFTER
        known = isinstance(error, TillgateError)
        log.warning("delivery failed", message=claimed.id, dead=given_up, exc_info=not known)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        next_attempt_at = None if given_up else now + wait_after(claimed.attempts)
        async with answers_in_time():
            await repository.mark_failed(claimed, reason, next_attempt_at)
        return False
    async with answers_in_time():
        await repository.mark_done(claimed, clock.now())
    return True


async def message_figures(handlers: Handlers, clock: Clock) -> Sequence[Figure]:
    """Return the messages that wait or were given up, and how old the oldest are.

    Those whose topic has no handler yet are left out. Raises `Unavailable`.
    """
    async with answers_in_time():
        found = [row for row in await repository.count_open() if row.topic in handlers]
    now = clock.now()
    by = ("topic", "status")
    return (
        Figure(
            "tillgate_messages_open",
            "Messages of the outbox that wait to be delivered, or were given up",
            by,
            {(row.topic, row.status): row.count for row in found},
        ),
        Figure(
            "tillgate_messages_oldest_seconds",
            "Age of the oldest of them",
            by,
            {(row.topic, row.status): (now - row.since).total_seconds() for row in found},
        ),
    )


def wait_after(attempts: int) -> timedelta:
    """Return the wait before the next attempt: about 2, 4, 8 … seconds, at most 6 hours."""
    return jittered(backoff(attempts, FIRST_WAIT))
