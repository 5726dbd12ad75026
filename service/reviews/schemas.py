"""What goes over the wire about reviews."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from service.core.principal import Principal
from service.core.views import view_of
from service.inbox.schemas import DecisionView, EventView, decision_view
from service.payments.refunds.schemas import RefundView, refund_view
from service.reviews.operations.browse import DoubtOf, ReviewOf
from service.reviews.operations.choices import Choice
from service.reviews.operations.give_back import DecidedReview
from service.sessions.operations.caller import Caller
from service.sessions.operations.reviewing.decisions import AWAITING_CAPTURE
from service.sessions.schemas.answers import SessionView, session_view
from service.web.fields import LongText, StrictAmount, Text
from service.web.wire import WireModel


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


class ReviewsAnswer(Struct, frozen=True, rename="camel"):
    """A page of the reviews that wait for a decision, newest first."""

    reviews: list[ReviewItem]
    next_cursor: str | None


class DecidedAnswer(Struct, frozen=True, rename="camel"):
    """The session after a decision, and what is given back of the payment, if anything is."""

    session: SessionView
    refund: RefundView | None


class AcceptReview(WireModel):
    """Accepts a payment as it is, or all but what is to be refunded of it, in minor units.

    `paymentId` says which, where an event has several in review.
    """

    example: ClassVar = {"reason": "The customer has paid the rest in cash."}

    reason: LongText | None = None
    payment_id: Text | None = None
    refund: StrictAmount | None = None


class SameMoney(WireModel):
    """Takes a payment for the money that was entered by hand.

    `paymentId` says which, where an event has several in review.
    """

    example: ClassVar = {"reason": "The bank statement has it once."}

    reason: LongText | None = None
    payment_id: Text | None = None


class RejectReview(WireModel):
    """Rejects a payment; the reason is kept in the audit."""

    example: ClassVar = {"reason": "Not ours."}

    reason: LongText
    payment_id: Text | None = None


def decided(found: DecidedReview, by: Principal, now: datetime) -> DecidedAnswer:
    """Show a session after a decision to who took it."""
    refund = None if found.refund is None else refund_view(found.refund)
    return DecidedAnswer(session_view(found.session, Caller(by), now), refund)


def review_item(review: ReviewOf) -> ReviewItem:
    """Show a review, with what can be decided about each of its payments."""
    payments = [_doubt_view(one) for one in review.doubts]
    return view_of(
        ReviewItem,
        review.row,
        decision=decision_view(review.row.decision),
        decisions=payments[0].decisions,
        why=payments[0].why,
        payments=payments,
    )


def _doubt_view(one: DoubtOf) -> DoubtView:
    decided = one.doubt.decision
    possible = [choice for choice, look in one.outlooks.items() if look.possible]
    return DoubtView(
        payment_id=one.doubt.about,
        reason=AWAITING_CAPTURE if decided and decided.awaiting else one.doubt.reason,
        decision=decision_view(decided),
        decisions=possible,
        why={choice.value: look.words for choice, look in one.outlooks.items()},
    )
