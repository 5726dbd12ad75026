"""What goes over the wire about events."""

import base64
from datetime import datetime
from typing import Literal

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.inbox.documents import Decision, WebhookEvent, WebhookRejection
from service.inbox.operations.inbox import Receipt
from service.inbox.operations.payload import Payload
from service.inbox.states import InboxStatus, Verdict


class ReceivedAnswer(Struct, frozen=True, rename="camel"):
    """What the sender of a webhook is told."""

    received: bool
    duplicate: bool
    outcome: str


class DecisionView(Struct, frozen=True, rename="camel"):
    """What a person decided."""

    accepted: bool
    verdict: Verdict
    at: datetime
    by: str
    reason: str | None
    awaiting: bool


class EventView(Struct, frozen=True, rename="camel", kw_only=True):
    """An event of the inbox, without the provider's payload."""

    id: str
    provider: str
    account: str
    live: bool | None
    event_id: str
    provider_event_id: str | None
    type: str
    source: str
    status: InboxStatus
    session_id: str | None
    user_id: str | None
    object_id: str | None
    reason: str | None
    error: str | None
    decision: DecisionView | None
    facts: list[JsonObject]
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None


class PayloadAnswer(Struct, frozen=True, rename="camel"):
    """What a provider posted: `payload` as text, in base64 where it is no UTF-8.

    `whole`: it is all of it, byte for byte; else fields were stripped or its end was cut, and
    `size` and `sha256` are those of the whole where they were kept.
    """

    id: str
    payload: str
    encoding: Literal["utf-8", "base64"]
    whole: bool
    size: int
    sha256: str | None


class RejectionView(Struct, frozen=True, rename="camel"):
    """One or several `deliveries` that were not believed; `sender` is a hash of an address."""

    provider: str
    at: datetime
    reason: str
    size: int
    sender: str | None
    deliveries: int


class EventsAnswer(Struct, frozen=True, rename="camel"):
    """A page of events, newest first."""

    events: list[EventView]
    next_cursor: str | None


class RejectionsAnswer(Struct, frozen=True, rename="camel"):
    """The latest rejections, newest first, and how many deliveries of each provider and reason."""

    rejections: list[RejectionView]
    counts: dict[str, int]


def received(receipt: Receipt) -> ReceivedAnswer:
    """Tell a sender what became of its delivery."""
    outcome = "duplicate" if receipt.duplicate else receipt.outcome.value
    # A dead event has waited for 30 days; to its sender it is still parked.
    outcome = "parked" if outcome == InboxStatus.DEAD.value else outcome
    return ReceivedAnswer(received=True, duplicate=receipt.duplicate, outcome=outcome)


def event_view(row: WebhookEvent) -> EventView:
    """Show an event."""
    return view_of(EventView, row, decision=decision_view(row.decision))


def payload_answer(shown: Payload) -> PayloadAnswer:
    """Show a payload."""
    encoding: Literal["utf-8", "base64"] = "utf-8"
    try:
        text = shown.content.decode()
    except UnicodeDecodeError:
        encoding, text = "base64", base64.b64encode(shown.content).decode()
    cut = shown.event.cut
    size = cut.size if cut else len(shown.event.payload)
    sha256 = cut.sha256 if cut else None
    return PayloadAnswer(shown.event.id, text, encoding, shown.whole, size, sha256)


def decision_view(decision: Decision | None) -> DecisionView | None:
    """Show a decision, if there is one."""
    if decision is None:
        return None
    verdict: Verdict = decision.verdict or ("accepted" if decision.accepted else "rejected")
    return view_of(DecisionView, decision, verdict=verdict)


def rejection_view(row: WebhookRejection) -> RejectionView:
    """Show a rejection."""
    return view_of(RejectionView, row)
