"""What goes over the wire about events and reviews."""

from datetime import datetime

from msgspec import Struct
from pydantic import Field

from service.core.strict_json import JsonObject
from service.sessions.schemas.answers import SessionView
from service.web.fields import LongText, Text
from service.web.wire import WireModel
from service.webhooks.documents import WebhookEvent, WebhookRejection
from service.webhooks.operations.ask import Callback
from service.webhooks.operations.inbox import Receipt
from service.webhooks.states import InboxStatus


class ReceivedAnswer(Struct, frozen=True, rename="camel"):
    """What the sender of a webhook is told."""

    received: bool
    duplicate: bool
    outcome: str


class DecisionView(Struct, frozen=True, rename="camel"):
    """What a person decided."""

    accepted: bool
    at: datetime
    by: str
    reason: str | None


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
    reason: str | None
    error: str | None
    decision: DecisionView | None
    facts: list[JsonObject]
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None


class RejectionView(Struct, frozen=True, rename="camel"):
    """A delivery that was not believed."""

    provider: str
    at: datetime
    reason: str
    size: int


class EventsAnswer(Struct, frozen=True, rename="camel"):
    """A page of events, newest first."""

    events: list[EventView]
    next_cursor: str | None


class RejectionsAnswer(Struct, frozen=True, rename="camel"):
    """The latest rejections, newest first, and how many are kept of each provider and reason."""

    rejections: list[RejectionView]
    counts: dict[str, int]


class ReviewsAnswer(Struct, frozen=True, rename="camel"):
    """A page of the reviews that wait for a decision, newest first."""

    reviews: list[EventView]
    next_cursor: str | None


class DecidedAnswer(Struct, frozen=True, rename="camel"):
    """The session after a decision."""

    session: SessionView


class VerifiedAnswer(Struct, frozen=True, rename="camel"):
    """A session after its provider was asked."""

    session: SessionView
    paid: bool


class AcceptReview(WireModel):
    """Accepts a payment as it is."""

    reason: LongText | None = None


class RejectReview(WireModel):
    """Rejects a payment; the reason is kept in the audit."""

    reason: LongText


class VerifyCheckout(WireModel):
    """Asks the provider how a session stands.

    `sessionId` is ours or the provider's. The three Razorpay fields are what its checkout hands to
    the page; their signature is checked before the provider is asked.
    """

    session_id: Text
    razorpay_payment_id: Text | None = Field(None, alias="razorpay_payment_id")
    razorpay_order_id: Text | None = Field(None, alias="razorpay_order_id")
    razorpay_signature: Text | None = Field(None, alias="razorpay_signature")

    def to_callback(self) -> Callback | None:
        """Give what the checkout handed to the page, if it was sent along."""
        if self.razorpay_payment_id is None or self.razorpay_signature is None:
            return None
        return Callback(self.razorpay_payment_id, self.razorpay_signature)


def received(receipt: Receipt) -> ReceivedAnswer:
    """Tell a sender what became of its delivery."""
    outcome = "duplicate" if receipt.duplicate else receipt.outcome.value
    # A dead event has waited for 30 days; to its sender it is still parked.
    outcome = "parked" if outcome == InboxStatus.DEAD.value else outcome
    return ReceivedAnswer(received=True, duplicate=receipt.duplicate, outcome=outcome)


def event_view(row: WebhookEvent) -> EventView:
    """Show an event."""
    decision = row.decision
    return EventView(
        id=row.id,
        provider=row.provider,
        account=row.account,
        live=row.live,
        event_id=row.event_id,
        provider_event_id=row.provider_event_id,
        type=row.type,
        source=row.source,
        status=row.status,
        session_id=row.session_id,
        reason=row.reason,
        error=row.error,
        decision=DecisionView(decision.accepted, decision.at, decision.by, decision.reason)
        if decision
        else None,
        facts=row.facts,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )


def rejection_view(row: WebhookRejection) -> RejectionView:
    """Show a rejection."""
    return RejectionView(row.provider, row.at, row.reason, row.size)
