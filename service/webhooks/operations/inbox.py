"""What every operation on the inbox needs, and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from service.core.clock import Clock
from service.providers.base import Provider, VerifiedEvent
from service.providers.facts import Fact
from service.sessions.states import Lifetimes
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery. `duplicate`: the work was done before."""

    outcome: InboxStatus
    duplicate: bool = False
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying an event came to."""

    status: InboxStatus
    session_id: str | None = None
    merchant_id: str = DEFAULT_MERCHANT
    reason: str | None = None
    error: str | None = None
    next_attempt_at: datetime | None = None


def row_of(
    event: VerifiedEvent,
    outcome: Outcome,
    inbox: Inbox,
    before: WebhookEvent | None,
    source: Source,
) -> WebhookEvent:
    """Make the inbox row of an event and its outcome; `before` is the row of an earlier try."""
    now = inbox.clock.now()
    done = outcome.status in DONE and outcome.status is not InboxStatus.REVIEW
    return WebhookEvent(
        id=before.id if before else event.inbox_id,
        merchant_id=outcome.merchant_id,
        provider=event.provider,
        account=event.account,
        live=event.live,
        event_id=event.event_id,
        type=event.type,
        source=before.source if before else source,
        status=outcome.status,
        session_id=outcome.session_id,
        reason=outcome.reason,
        error=outcome.error,
        facts=[as_json(fact) for fact in event.facts],
        payload=event.payload,
        occurred_at=event.occurred_at,
        received_at=before.received_at if before else now,
        processed_at=now if outcome.status in DONE else None,
        attempts=before.attempts if before else 1,
        next_attempt_at=outcome.next_attempt_at,
        purge_at=now + inbox.keep_for if done or outcome.status is InboxStatus.DEAD else None,
    )


def as_json(fact: Fact) -> dict[str, object]:
    """Give a fact as it is stored: its type in `type`, times as ISO text."""
    stored: dict[str, object] = msgspec.to_builtins(fact)
    return stored
