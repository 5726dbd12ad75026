"""The subscription that a session began, and its lines: each of its moves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from service.core.strict_json import JsonObject
from service.core.words import moment
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription, SubscriptionMove
from service.payments.subscriptions.states import ENDED, INACTIVE, SubscriptionStatus
from service.sessions.documents import Session
from service.timeline.operations.entry import Entry, Tone, what_is_known

_STANDS: Mapping[SubscriptionStatus, str] = {
    SubscriptionStatus.INCOMPLETE: "not paid for yet",
    SubscriptionStatus.TRIALING: "on trial",
    SubscriptionStatus.ACTIVE: "active",
    SubscriptionStatus.PAST_DUE: "a renewal failed, and is tried again",
    SubscriptionStatus.UNPAID: "its renewal was given up",
    SubscriptionStatus.HALTED: "its renewal was given up",
    SubscriptionStatus.PAUSED: "paused",
    SubscriptionStatus.CANCELED: "canceled",
    SubscriptionStatus.COMPLETED: "over, it was not to be renewed any more",
    SubscriptionStatus.INCOMPLETE_EXPIRED: "over, it was never paid for",
}
# https://docs.stripe.com/api/subscriptions/object#subscription_object-cancellation_details-reason
_REASONS: Mapping[str, str] = {
    "cancellation_requested": "as was asked for",
    "payment_failed": "since what was owed was not paid",
    "payment_disputed": "since a payment was disputed",
}


async def read_subscriptions(session: Session) -> Sequence[Subscription]:
    """Read what a session began; a single payment begins nothing."""
    if session.mode != "subscription":
        return ()
    key = (session.merchant_id, session.session_id, session.created_at)
    return await repository.of_session(*key)


def lines_of_subscriptions(subscriptions: Iterable[Subscription]) -> Iterator[Entry]:
    """Return a line for each move of each subscription; the last one says what follows."""
    for one in subscriptions:
        told = moves_of(one)
        for number, (move, words) in enumerate(told, 1):
            follows = follows_of(one) if number == len(told) else ""
            summary = f"Subscription to {move.plan or 'a plan'}: {words}{follows}"
            detail: JsonObject = {
                "subscriptionId": one.provider_subscription_id,
                "from": move.from_.value if move.from_ else None,
                "eventId": move.event_id,
            }
            yield Entry(move.at, "subscription", summary, what_is_known(detail), tone_of(move.to))


def moves_of(subscription: Subscription) -> Sequence[tuple[SubscriptionMove, str]]:
    """Return each move of a subscription with what it was, in words."""
    moves = pairwise([None, *subscription.history])
    return [
        (move, f"{_what(before, move)}{_because(subscription, move.to)}")
        for before, move in moves
        if move is not None
    ]


def stands_of(subscription: Subscription) -> str:
    """Return in words how a subscription stands, and what follows."""
    status = subscription.status
    if status is None:
        return "its provider has not said yet how it stands"
    return f"{_STANDS[status]}{_because(subscription, status)}{follows_of(subscription)}"


def follows_of(subscription: Subscription) -> str:
    """Return when a subscription is renewed or tried next or ends, as the end of a sentence."""
    if subscription.status is SubscriptionStatus.PAST_DUE:
        tried = subscription.next_try
        return f", the next time at {moment(tried)}" if tried is not None else ""
    if subscription.next_renewal is not None:
        return f", the next renewal is at {moment(subscription.next_renewal)}"
    if subscription.cancel_at_period_end and subscription.current_period_end is not None:
        return f", ends at {moment(subscription.current_period_end)}"
    return ""


def _because(subscription: Subscription, status: SubscriptionStatus) -> str:
    """Return why a subscription was canceled, as the end of a sentence, where its provider says."""
    reason = subscription.cancellation_reason
    if reason is None or status is not SubscriptionStatus.CANCELED:
        return ""
    return f", {_REASONS.get(reason) or reason.replace('_', ' ')}"


def _what(before: SubscriptionMove | None, move: SubscriptionMove) -> str:
    """Return what differs between a move and the one before it."""
    if before is None:
        return _STANDS[move.to]
    said = [_STANDS[move.to]] if move.to is not before.to else []
    if move.plan != before.plan:
        said.append(f"changed from {before.plan or 'another plan'}")
    if move.ending is not before.ending and move.to not in ENDED:
        said.append("to end with its period" if move.ending else "goes on after its period")
    if _is_later(before, move) and move.to is SubscriptionStatus.ACTIVE:
        said.append("renewed")
    return ", ".join(said) or "its period was changed"


def _is_later(before: SubscriptionMove, move: SubscriptionMove) -> bool:
    ends, ended = move.period_end, before.period_end
    return ends is not None and ended is not None and ends > ended


def tone_of(status: SubscriptionStatus) -> Tone:
    """Return what news it is that a subscription stands so."""
    if status in INACTIVE:
        return "bad"
    good = {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING}
    return "good" if status in good else "warn"
