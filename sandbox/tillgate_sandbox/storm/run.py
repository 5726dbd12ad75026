"""Run a storm: open the sessions, let happen what is written, deliver, and compare."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import msgspec

from service.inbox.documents import WebhookEvent
from service.outbox import repository as outbox
from service.payments.payments.documents import Payment
from service.sessions.documents import Session
from service.storage.database import Row
from tillgate_sandbox import repository
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.storm.expected import Ending, differences
from tillgate_sandbox.storm.field import Field
from tillgate_sandbox.storm.scripts import Phase, Script

BATCH = 60
_OPENERS = 8


class StormReport:
    """What a storm did, by provider, and what it found wrong: `differences`, a sentence each."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.differences: list[str] = []


async def run_storm(
    scripts: Sequence[Script], on: Field, advanced: Callable[[int], None] = lambda _: None
) -> StormReport:
    """Play the scripts, a batch at a time; `advanced` is called after each batch."""
    report = StormReport()
    for start in range(0, len(scripts), BATCH):
        batch = scripts[start : start + BATCH]
        await _play(batch, on)
        for script in batch:
            ending = await ending_of(script)
            report.differences += differences(ending)
            _count(ending, report.counts[script.provider])
        advanced(len(batch))
    return report


async def _play(batch: Sequence[Script], on: Field) -> None:
    """Play all phases of some scripts, all of them at once."""
    openers = asyncio.Semaphore(_OPENERS)

    async def play(script: Script, phase: Phase) -> None:
        async with openers:
            checkout = await _open(script, on)
            for happening in phase:
                checkout = await happen(checkout, happening, on.sandbox)

    for number in range(max(len(script.phases) for script in batch)):
        async with asyncio.TaskGroup() as group:
            for script in batch:
                if number < len(script.phases):
                    group.create_task(play(script, script.phases[number]))
        await on.deliver_all()


async def _open(script: Script, on: Field) -> SandboxCheckout:
    """Open a checkout as a merchant's server does, or the next one of the same session."""
    body = {
        "sessionId": script.session_id,
        "userId": "user_of_the_storm",
        "eventId": "event_of_the_storm",
        "amount": script.amount,
        "currency": script.currency,
        "quantity": 1,
        "paymentMethod": script.provider,
    }
    answer = await on.http.post("/api/payments/create-checkout", json=body)
    if answer.is_error:
        raise RuntimeError(f"{script.session_id} could not be opened: {answer.text}")
    before = await repository.find_checkout(answer.json()["providerSessionId"])
    if before is None:
        raise RuntimeError(f"{script.session_id} has no checkout at the provider")
    chaos = msgspec.to_builtins(script.chaos)
    after: SandboxCheckout = before.model_copy(update={"chaos": chaos})
    await repository.change_checkout(before, after)
    after.version += 1
    return after


async def ending_of(script: Script) -> Ending:
    """Read how a session ended."""
    wanted = {"sessionId": script.session_id}
    deliveries = await repository.deliveries_of(script.session_id)
    event_ids = [delivery.event_id for delivery in deliveries]
    session = await Session.get_pymongo_collection().find_one({"merchantId": "default"} | wanted)
    return Ending(
        script=script,
        checkouts=await repository.checkouts_of(script.session_id),
        deliveries=deliveries,
        session=session or {},
        payments=await _rows(Payment.get_pymongo_collection().find(wanted)),
        events=await _rows(
            WebhookEvent.get_pymongo_collection().find(
                {
                    "$or": [
                        {"eventId": {"$in": event_ids}},
                        {"providerEventId": {"$in": event_ids}},
                    ],
                    "provider": script.provider,
                }
            )
        ),
        outbox=await outbox.of_session("default", script.session_id),
    )


async def _rows(cursor: object) -> list[Row]:
    return [row async for row in cursor]  # type: ignore[attr-defined]


def _count(ending: Ending, counts: Counter[str]) -> None:
    counts["sessions"] += 1
    counts[str(ending.session["status"])] += 1
    counts["review"] += ending.session["review"] is not None
    counts["late"] += bool(ending.session["late"])
    for delivery in ending.deliveries:
        counts["deliveries"] += 1
        counts["tries"] += len(delivery.attempts)
        for attempt in delivery.attempts:
            counts["lost"] += attempt.status is None
            counts["refused"] += (attempt.status or 0) >= 400
            counts[f"outcome {attempt.outcome}"] += attempt.outcome is not None
