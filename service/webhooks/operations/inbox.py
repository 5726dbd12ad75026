"""What every operation on the inbox needs, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from service.core.clock import Clock
from service.providers.base import Provider, VerifiedEvent
from service.providers.facts import Fact
from service.sessions.states import Lifetimes
from service.storage.database import Row
from service.web.principal import DEFAULT_MERCHANT
from service.webhooks.documents import Source, WebhookEvent
from service.webhooks.states import DONE, InboxStatus


@dataclass(frozen=True, slots=True)
class Inbox:
    """The providers, the clock, and how long things are kept."""

    providers: Mapping[str, Provider]
    clock: Clock
    lifetimes: Lifetimes
    keep_for: timedelta


class Receipt(Struct, frozen=True):
    """What became of a delivery. `duplicate`: the work was done before."""

    outcome: InboxStatus
    duplicate: bool = False
    session_id: str | None = None


class Outcome(Struct, frozen=True):
    """What applying an event came to; `doubts` are payments that do not fit, and why."""

    status: InboxStatus
    session_id: str | None = None
    merchant_id: str = DEFAULT_MERCHANT
    reason: str | None = None
    doubts: tuple[tuple[str, str], ...] = ()
    error: str | None = None
    next_attempt_at: datetime | None = None


def row_of(
    event: VerifiedEvent,
    outcome: Outcome,
    inbox: Inbox,
    before: WebhookEvent | None,
    source: Source,
) -> Row:
    """Make the inbox row of an event and its outcome; `before` is the row of an earlier try.

    Each event leaves one: a `WebhookEvent` would be made only to be taken apart again.
    """
    now = inbox.clock.now()
    done = outcome.status in DONE and outcome.status is not InboxStatus.REVIEW
    return {
        "_id": before.id if before else event.inbox_id,
        "merchantId": outcome.merchant_id,
        "provider": event.provider,
        "account": event.account,
        "live": event.live,
        "eventId": event.event_id,
        "providerEventId": before.provider_event_id if before else event.provider_event_id,
        "type": event.type,
        "source": before.source if before else source,
        "status": outcome.status.value,
        "sessionId": outcome.session_id,
        "reason": outcome.reason,
        "error": outcome.error,
        "decision": None,
        "doubts": [
            {"about": about, "reason": why, "decision": None} for about, why in outcome.doubts
        ],
        "facts": [as_json(fact) for fact in event.facts],
        "learned": msgspec.to_builtins(event.learned) if event.learned is not None else None,
        "payload": event.payload,
        "occurredAt": event.occurred_at,
        "receivedAt": before.received_at if before else now,
        "processedAt": now if outcome.status in DONE else None,
        "attempts": before.attempts if before else 1,
        "nextAttemptAt": outcome.next_attempt_at,
        "purgeAt": now + inbox.keep_for if done or outcome.status is InboxStatus.DEAD else None,
        "deletableAt": None,
    }


def as_json(fact: Fact) -> dict[str, object]:
    """Give a fact as it is stored: its type in `type`, times as ISO text."""
    stored: dict[str, object] = msgspec.to_builtins(fact)
    return stored
