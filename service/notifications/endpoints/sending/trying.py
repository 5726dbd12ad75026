"""Try to deliver one event: what was answered, in words, and what follows from it."""

import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.core.visible import visible
from service.leases.backoff import jittered
from service.notifications.endpoints.errors import AddressRefused
from service.notifications.endpoints.repository.deliveries import Claimed, Kept
from service.notifications.endpoints.sending.client import Client, Failed
from service.notifications.endpoints.sending.connection import Answer
from service.notifications.endpoints.sending.messages import Route, request_of
from service.notifications.endpoints.states import (
    GONE,
    LONGEST_WAIT,
    DeliveryStatus,
    wait_after,
)
from service.storage.database import Row
from service.web.card_data import mask_card_numbers
from service.web.logs.masking import mask_text

LONGEST_ANSWER = 500
_MOST_DIGITS = 9


class Tried(Struct, frozen=True):
    """How a try went. `error` is None where the event was taken.

    `canceled`: there was none, since the endpoint is disabled or removed.
    """

    claimed: Claimed
    at: datetime
    took_ms: int
    status: int | None = None
    answer: str | None = None
    error: str | None = None
    put_off: timedelta | None = None
    canceled: bool = False

    @property
    def is_gone(self) -> bool:
        """Return whether the receiver said that it wants nothing more."""
        return self.status == GONE


async def try_once(claimed: Claimed, route: Route, client: Client, clock: Clock) -> Tried:
    """Send a delivery once; whatever the receiver does, this returns."""
    now, began = clock.now(), time.monotonic()
    answer: Answer | None = None
    error: str | None = None
    try:
        request = request_of(route, claimed.event_id, claimed.body, now)
        answer = await client.post(route.target, request)
    except (Failed, AddressRefused, Misconfigured) as failure:
        error = str(failure)
    took_ms = round((time.monotonic() - began) * 1000)
    if answer is None:
        return Tried(claimed, now, took_ms, error=error)
    return Tried(
        claimed,
        now,
        took_ms,
        status=answer.status,
        answer=_shown(answer.body),
        error=_refusal(answer),
        put_off=_asked(answer.retry_after, now),
    )


def kept_of(tried: Tried) -> Kept:
    """Return what is kept of a try: delivered, tried again after a wait, or given up."""
    row: Row = {
        "at": tried.at,
        "tookMs": tried.took_ms,
        "status": tried.status,
        "answer": tried.answer,
        "error": tried.error,
    }
    if tried.canceled:
        return Kept(tried.claimed, None, DeliveryStatus.CANCELED)
    if tried.error is None:
        return Kept(tried.claimed, row, DeliveryStatus.DELIVERED)
    wait = None if tried.is_gone else wait_after(tried.claimed.tries + 1)
    if wait is None:
        return Kept(tried.claimed, row, DeliveryStatus.FAILED)
    asked = min(tried.put_off or timedelta(0), LONGEST_WAIT)
    return Kept(tried.claimed, row, DeliveryStatus.PENDING, max(jittered(wait), asked))


def _refusal(answer: Answer) -> str | None:
    """Return why an answer is none that takes the event; None where it does."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        where = f" to {_shown(answer.location.encode())}" if answer.location else ""
        return f"It answered {status}, a redirect{where}, which is not followed."
    if status == GONE:
        return "It answered 410: it is gone, so the endpoint was disabled."
    return f"It answered {status}; anything but 200 to 299 is tried again."


def _shown(body: bytes) -> str | None:
    """Return the first of an answer; what looks like a secret, an address or a card is masked."""
    text = visible(body.decode(errors="replace"))
    return mask_card_numbers(mask_text(text))[:LONGEST_ANSWER] or None


def _asked(value: str | None, now: datetime) -> timedelta | None:
    """Read `Retry-After`: seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if value is None:
        return None
    if value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return timedelta(seconds=int(value))
    try:
        return max(parsedate_to_datetime(value) - now, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        return None
