"""Deliver webhooks as the played providers do: signed now, posted, and retried."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import httpx
import structlog

from service.core import strict_json
from service.core.errors import MalformedBody
from service.providers.registry import ProviderName
from tillgate_sandbox import repository
from tillgate_sandbox.base import MadeEvent, Sandbox
from tillgate_sandbox.documents import Attempt, SandboxDelivery
from tillgate_sandbox.playing import expire_due
from tillgate_sandbox.settling import settle_due

# Stripe's test mode retries three times over a few hours, Razorpay for a day with growing pauses,
# PhonePe for about an hour: here an hour lasts a second or two.
RETRY_AFTER_S: dict[ProviderName, tuple[float, ...]] = {
    "stripe": (1, 3, 6),
    "razorpay": (1, 2, 4, 8, 16),
    "phonepe": (1, 2, 4, 8),
}
# How long each of them waits for an answer.
PATIENCE_S: dict[ProviderName, float] = {"stripe": 10, "razorpay": 5, "phonepe": 5}

LEASE = timedelta(seconds=30)
EVERY_S = 0.1
AT_ONCE = 50

log = structlog.get_logger(__name__)


async def deliver_due(sandbox: Sandbox, http: httpx.AsyncClient, limit: int = AT_ONCE) -> int:
    """Post the deliveries that are due, all at once; return how many were tried."""
    due = await repository.claim_due(sandbox.clock.now(), LEASE, limit)
    async with asyncio.TaskGroup() as group:
        for delivery in due:
            group.create_task(_try(delivery, sandbox, http))
    return len(due)


@asynccontextmanager
async def delivering(sandbox: Sandbox) -> AsyncIterator[None]:
    """Deliver webhooks, expire checkouts and let refunds go on while the block lasts."""
    stopping = asyncio.Event()
    task = asyncio.create_task(_loop(sandbox, stopping), name="tillgate-sandbox")
    try:
        yield
    finally:
        stopping.set()
        with suppress(asyncio.CancelledError):
            await task


async def _loop(sandbox: Sandbox, stopping: asyncio.Event) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while not stopping.is_set():
            tried = 0
            try:
                await expire_due(sandbox)
                await settle_due(sandbox)
                tried = await deliver_due(sandbox, http)
            except Exception:  # the loop must survive any error of one round
                log.exception("sandbox round failed")
            if tried < AT_ONCE:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), EVERY_S)


async def _try(delivery: SandboxDelivery, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
    attempt = await _post(delivery, sandbox, http)
    status, due_at = _following(delivery, attempt, sandbox.clock.now())
    await repository.note_attempt(delivery, attempt, status, due_at)


async def _post(delivery: SandboxDelivery, sandbox: Sandbox, http: httpx.AsyncClient) -> Attempt:
    """Post once. Of two tries without an answer, one loses the request and one the answer."""
    now = sandbox.clock.now()
    if delivery.drops and delivery.drops % 2 == 0:
        return Attempt(at=now, error="the request was lost on its way")
    event = MadeEvent(delivery.type, delivery.event_id, delivery.body)
    fault = delivery.tamper[0] if delivery.tamper else None
    headers = sandbox.played[delivery.provider].sign(event, now, fault)
    address = sandbox.deliver_to + delivery.path
    began = time.perf_counter()
    try:
        answer = await http.post(
            address,
            content=delivery.body,
            headers=headers,
            timeout=PATIENCE_S[delivery.provider],
        )
    except httpx.HTTPError as error:
        return Attempt(at=now, error=f"no answer: {type(error).__name__}")
    took = round((time.perf_counter() - began) * 1000, 1)
    if delivery.drops:
        return Attempt(at=now, latency_ms=took, error="the answer was lost on its way")
    return Attempt(
        at=now, status=answer.status_code, latency_ms=took, outcome=_outcome(answer.content)
    )


def _following(delivery: SandboxDelivery, attempt: Attempt, now: datetime) -> tuple[str, datetime]:
    """Return the delivery's status after a try, and when the next one is due."""
    if attempt.status is not None and 200 <= attempt.status < 300:
        return "delivered", now
    pauses = RETRY_AFTER_S[delivery.provider]
    made = len(delivery.attempts)
    # What was tampered with is no delivery of the provider's: once it is judged, nobody sends it
    # again. A 5xx judges nothing.
    judged = attempt.status is not None and attempt.status < 500
    if made >= len(pauses) or (delivery.tamper and judged):
        return "given_up", now
    return "pending", now + timedelta(seconds=pauses[made])


def _outcome(content: bytes) -> str | None:
    """Read the service's outcome, or its error code if it refused."""
    try:
        answer = strict_json.parse(content)
    except MalformedBody:
        return None
    if not isinstance(answer, dict):
        return None
    word = answer.get("outcome") or answer.get("error")
    return word if isinstance(word, str) else None
