"""Which decisions there are about a payment, what each would do, or why it can't be. Pure."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from service.core.errors import TillgateError
from service.core.money import exponent, to_major
from service.inbox.documents import Doubt
from service.inbox.errors import AlreadyDecided
from service.inbox.states import Verdict
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.operations.rules import amount_of
from service.providers.actors import actor
from service.reviews.errors import (
    CaptureUnderWay,
    NotRefundable,
    NotTheSameMoney,
    OnlyRejectable,
    PaymentNotSucceeded,
)
from service.sessions.documents import Session
from service.sessions.operations.changing.complete_by_hand import is_by_hand
from service.sessions.operations.reviewing.claims import is_claim_of
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.states import FINAL, Mismatch, Status


class Choice(StrEnum):
    """A decision; the last word of its route."""

    ACCEPT = "accept"
    REJECT = "reject"
    REJECT_AND_REFUND = "reject-and-refund"
    SAME_MONEY = "same-money"


REJECTIONS = frozenset({Choice.REJECT, Choice.REJECT_AND_REFUND})

_VERDICTS: Mapping[Choice, Verdict] = {
    Choice.ACCEPT: "accepted",
    Choice.REJECT: "rejected",
    Choice.REJECT_AND_REFUND: "rejected",
    Choice.SAME_MONEY: "same_money",
}


class Wish(Struct, frozen=True):
    """What a person wants decided, and why. `payment_id` says which, where an event has several.

    `refund` is what is given back of a payment that is accepted, in minor units.
    """

    choice: Choice
    reason: str | None = None
    payment_id: str | None = None
    refund: int | None = None

    @property
    def verdict(self) -> Verdict:
        """Return what the session keeps of it."""
        return _VERDICTS[self.choice]


class Case(Struct, frozen=True):
    """A payment in doubt, its session, its row of the ledger, and that of what completed."""

    doubt: Doubt
    session: Session
    payment: Payment | None
    completed_by: Payment | None = None


class Outlook(Struct, frozen=True):
    """What a decision would do; with a `code`, why it is not possible, and what is."""

    words: str
    code: str | None = None

    @property
    def possible(self) -> bool:
        """Return whether the decision can be taken."""
        return self.code is None


ONLY_REJECTABLE = OnlyRejectable.code
NOT_SUCCEEDED = PaymentNotSucceeded.code
CAPTURE_UNDER_WAY = CaptureUnderWay.code
NOT_REFUNDABLE = NotRefundable.code
NOT_SAME_MONEY = NotTheSameMoney.code
ALREADY_DECIDED = AlreadyDecided.code

_ONLY_REJECTABLE: Mapping[str, str] = {
    Mismatch.AFTER_REJECTION.value: (
        "The payment was rejected before its money came, and a rejection is final. Reject it, and "
        "give the money back."
    ),
    Mismatch.ANOTHERS.value: (
        "The payment belongs to another session. Reject it here; its money is given back from that "
        "session."
    ),
}
# Never money of another session: it belongs to a completed sale.
GIVEN_BACK = frozenset(
    one.value
    for one in (Mismatch.SECOND, Mismatch.AMOUNT, Mismatch.CURRENCY, Mismatch.AFTER_REJECTION)
)
_NOT_PAID: Mapping[PaymentStatus, str] = {
    PaymentStatus.PENDING: (
        "The payment is under way and its money has not come. Wait for its provider's word, or "
        "verify the session to ask for it; it can be rejected meanwhile."
    ),
    PaymentStatus.FAILED: "The payment failed, so there is nothing to accept. Reject it.",
}
_NOTHING = "Nothing was paid, so there is nothing to accept. Reject it."


def outlook(choice: Choice, case: Case) -> Outlook:
    """Return what a decision would do, or why it can't be taken."""
    if case.doubt.decision is not None:
        awaits, whom = case.doubt.decision.awaiting, actor(case.doubt.decision.by)
        more = "; its capture is awaited" if awaits else ""
        return Outlook(f"{whom[:1].upper()}{whom[1:]} has decided this{more}.", ALREADY_DECIDED)
    return _OUTLOOKS[choice](case)


def choices(case: Case) -> dict[Choice, Outlook]:
    """Return for each decision what it would do, or why it can't be taken."""
    return {choice: outlook(choice, case) for choice in Choice}


def is_own(payment: Payment, session: Session) -> bool:
    """Return whether a payment was claimed by a session."""
    return is_claim_of(payment.claim, session)


def _accept(case: Case) -> Outlook:
    only = _ONLY_REJECTABLE.get(case.doubt.reason)
    if only is not None:
        return Outlook(only, ONLY_REJECTABLE)
    payment, session = case.payment, case.session
    if payment is None:
        return Outlook(_NOTHING, NOT_SUCCEEDED)
    if not is_own(payment, session):
        return Outlook(_ONLY_REJECTABLE[Mismatch.ANOTHERS.value], ONLY_REJECTABLE)
    if payment.status is PaymentStatus.AUTHORIZED:
        return _accept_held(case)
    if payment.status is not PaymentStatus.SUCCEEDED:
        left = f"The payment is {payment.status}, so there is nothing to accept. Reject it."
        return Outlook(_NOT_PAID.get(payment.status, left), NOT_SUCCEEDED)
    if session.status is Status.COMPLETED:
        return Outlook("The session stays completed as it is; this money is kept as well.")
    return Outlook(f"Completes the session, which is {session.status}, with this payment.")


def _accept_held(case: Case) -> Outlook:
    """Money that is held is captured first, if this session may still capture any."""
    session = case.session
    if case.doubt.reason in {Mismatch.ACCOUNT, Mismatch.MODE}:
        words = "The money is held by another account or mode, where it can't be captured from here"
        return Outlook(f"{words}. Reject it.", NOT_SUCCEEDED)
    if case.doubt.reason == UNRESOLVED:
        words = (
            "Nobody could tell whether the held money can be had. It can be rejected, or verified"
        )
        return Outlook(f"{words} once more.", NOT_SUCCEEDED)
    if session.status in FINAL:
        words = f"The money is only held, and nothing is captured for a {session.status} session"
        return Outlook(f"{words}: it goes back by itself. Reject it.", NOT_SUCCEEDED)
    if case.doubt.about in session.refused_captures:
        words = (
            "Its provider has refused to let the held money be captured, which goes back by itself"
        )
        return Outlook(f"{words}. Reject it.", NOT_SUCCEEDED)
    other = session.capturing is not None and session.capturing.payment_id != case.doubt.about
    if other:
        return Outlook(
            "Another held payment of the session is being captured. Wait until that is done.",
            CAPTURE_UNDER_WAY,
        )
    return Outlook("Captures the held money; the session is completed once that succeeds.")


def _reject(case: Case) -> Outlook:
    session, about = case.session, case.doubt.about
    capturing = session.capturing is not None and session.capturing.payment_id == about
    if capturing and case.doubt.reason != UNRESOLVED:
        words = "Its capture is under way, and may have been done. Wait until that is known."
        return Outlook(words, CAPTURE_UNDER_WAY)
    if case.doubt.reason == UNRESOLVED:
        return Outlook("Gives the payment up: nothing waits for it any more.")
    if session.status is Status.COMPLETED and session.provider_payment_id == about:
        return Outlook("The session stays completed by it; that it does not fit was not accepted.")
    return Outlook("Leaves the session without this payment; its row in the ledger stays.")


def _reject_and_refund(case: Case) -> Outlook:
    rejecting, payment, session = _reject(case), case.payment, case.session
    if not rejecting.possible:
        return rejecting
    if payment is None or not is_own(payment, session):
        return Outlook(_ONLY_REJECTABLE[Mismatch.ANOTHERS.value], ONLY_REJECTABLE)
    if case.doubt.reason not in GIVEN_BACK:
        return Outlook(
            f"Money of a {case.doubt.reason} is not given back from here. Reject it, and refund "
            "the payment by itself.",
            NOT_REFUNDABLE,
        )
    if session.provider_payment_id == case.doubt.about:
        return Outlook(
            "The payment has completed the session. Reject what does not fit, and refund the "
            "payment by itself.",
            NOT_REFUNDABLE,
        )
    try:
        left = amount_of(payment, None)
    except TillgateError as error:
        return Outlook(error.message, error.error)
    money = f"{to_major(left, exponent(payment.currency))} {payment.currency}"
    return Outlook(f"Leaves the session without this payment, and gives {money} back.")


def _same_money(case: Case) -> Outlook:
    why = _not_the_same(case)
    if why is not None:
        return Outlook(why, NOT_SAME_MONEY)
    return Outlook(
        "The payment is the money that was entered by hand: that entry is reversed, and the "
        "session is completed by the payment."
    )


def _not_the_same(case: Case) -> str | None:
    session, payment, by_hand = case.session, case.payment, case.completed_by
    if case.doubt.reason != Mismatch.SECOND.value:
        return f"Only a {Mismatch.SECOND.value} can be the money that was entered by hand."
    completed = session.status is Status.COMPLETED and is_by_hand(session.provider_payment_id)
    if not completed or by_hand is None:
        return "The session was not completed by hand: a payment completed it, and this is another."
    if payment is None or payment.status is not PaymentStatus.SUCCEEDED:
        return "The payment has not succeeded, so it is not the money that was entered by hand."
    if not is_own(payment, session):
        return "The payment belongs to another session."
    if (payment.amount, payment.currency) != (session.amount, session.currency):
        return "The payment has another amount or currency than the session."
    if back := by_hand.refunded + by_hand.excess:
        money = f"{to_major(back, exponent(by_hand.currency))} {by_hand.currency}"
        return (
            f"{money} of the entry by hand was given back, and of the payment in its place it "
            "could be given back once more. Reject the payment, or keep it as well."
        )
    return None


_OUTLOOKS: Mapping[Choice, Callable[[Case], Outlook]] = {
    Choice.ACCEPT: _accept,
    Choice.REJECT: _reject,
    Choice.REJECT_AND_REFUND: _reject_and_refund,
    Choice.SAME_MONEY: _same_money,
}
