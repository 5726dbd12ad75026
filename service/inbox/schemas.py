"""What goes over the wire about events and reviews."""

from datetime import datetime

from msgspec import Struct
from pydantic import Field

from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.inbox.documents import Decision, WebhookEvent, WebhookRejection
from service.inbox.operations.ask import Callback
from service.inbox.operations.inbox import Receipt
from service.inbox.operations.review.choices import Choice
from service.inbox.operations.review.look import DoubtOf, ReviewOf
from service.inbox.states import InboxStatus
from service.sessions.documents import Session, Verdict
from service.sessions.operations.caller import Caller
from service.sessions.operations.settle.reviews import AWAITING_CAPTURE
from service.sessions.schemas.answers import SessionView, session_view
from service.web.fields import LongText, Text
from service.web.wire import WireModel


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
    reason: str | None
    error: str | None
    decision: DecisionView | None
    facts: list[JsonObject]
    occurred_at: datetime
    received_at: datetime
    processed_at: datetime | None
    attempts: int
    next_attempt_at: datetime | None


class DoubtView(Struct, frozen=True, rename="camel"):
    """A payment of an event that does not fit, or a checkout where nothing was paid.

    `decisions` are those that can be taken now, by the last word of their routes; `why` says of
    each what it would do, or why it can't be taken.
    """

    payment_id: str
    reason: str
    decision: DecisionView | None
    decisions: list[Choice]
    why: dict[str, str]


class ReviewItem(EventView, frozen=True, rename="camel", kw_only=True):
    """An event that waits for a decision, with what can be decided about it.

    `decisions` and `why` are those of its first payment, which nearly always is the only one.
    """

    decisions: list[Choice]
    why: dict[str, str]
    payments: list[DoubtView]


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


class ReviewsAnswer(Struct, frozen=True, rename="camel"):
    """A page of the reviews that wait for a decision, newest first."""

    reviews: list[ReviewItem]
    next_cursor: str | None


class DecidedAnswer(Struct, frozen=True, rename="camel"):
    """The session after a decision."""

    session: SessionView


class VerifiedAnswer(Struct, frozen=True, rename="camel"):
    """A session after its provider was asked."""

    session: SessionView
    paid: bool


class AcceptReview(WireModel):
    """Accepts a payment as it is, or takes it for the money that was entered by hand.

    `paymentId` says which, where an event has several in review.
    """

    reason: LongText | None = None
    payment_id: Text | None = None


class RejectReview(WireModel):
    """Rejects a payment; the reason is kept in the audit."""

    reason: LongText
    payment_id: Text | None = None


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
        decision=_decision_view(row.decision) if row.decision else None,
        facts=row.facts,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        processed_at=row.processed_at,
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )


def decided(session: Session, by: Principal, now: datetime) -> DecidedAnswer:
    """Show a session after a decision to who took it."""
    return DecidedAnswer(session_view(session, Caller(by), now))


def review_item(review: ReviewOf) -> ReviewItem:
    """Show a review, with what can be decided about each of its payments."""
    shown = event_view(review.row)
    fields = {name: getattr(shown, name) for name in EventView.__struct_fields__}
    payments = [_doubt_view(one) for one in review.doubts]
    return ReviewItem(
        **fields, decisions=payments[0].decisions, why=payments[0].why, payments=payments
    )


def _doubt_view(one: DoubtOf) -> DoubtView:
    decided = one.doubt.decision
    possible = [choice for choice, look in one.outlooks.items() if look.possible]
    return DoubtView(
        payment_id=one.doubt.about,
        reason=AWAITING_CAPTURE if decided and decided.awaiting else one.doubt.reason,
        decision=_decision_view(decided) if decided else None,
        decisions=possible,
        why={choice.value: look.words for choice, look in one.outlooks.items()},
    )


def _decision_view(decision: Decision) -> DecisionView:
    verdict: Verdict = decision.verdict or ("accepted" if decision.accepted else "rejected")
    return DecisionView(
        accepted=decision.accepted,
        verdict=verdict,
        at=decision.at,
        by=decision.by,
        reason=decision.reason,
        awaiting=decision.awaiting,
    )


def rejection_view(row: WebhookRejection) -> RejectionView:
    """Show a rejection."""
    return RejectionView(row.provider, row.at, row.reason, row.size, row.sender, row.deliveries)
