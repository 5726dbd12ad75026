"""The subscription that a session began, and its lines: each of its moves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from service.core.strict_json import JsonObject
from service.core.words import moment
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.states import INACTIVE, SubscriptionStatus
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


async def read_subscriptions(session: Session) -> Sequence[Subscription]:
    """Read what a session began; a single payment begins nothing."""
    if session.mode != "subscription":
        return ()
    key = (session.merchant_id, session.session_id, session.created_at)
    return await repository.of_session(*key)


def lines_of_subscriptions(subscriptions: Iterable[Subscription]) -> Iterator[Entry]:
    """Return a line for each move of each subscription; the last one says what follows."""
    for one in subscriptions:
        for number, move in enumerate(one.history, 1):
            is_last = number == len(one.history)
            stands = _STANDS[move.to] + (_follows(one) if is_last else "")
            summary = f"subscription to {one.plan or 'a plan'}: {stands}"
            detail: JsonObject = {
                "subscriptionId": one.provider_subscription_id,
                "from": move.from_.value if move.from_ else None,
                "eventId": move.event_id,
            }
            yield Entry(move.at, "subscription", summary, what_is_known(detail), _tone(move.to))


def _follows(one: Subscription) -> str:
    if one.next_renewal is not None:
        return f", renewed at {moment(one.next_renewal)}"
    if one.cancel_at_period_end and one.current_period_end is not None:
        return f", ends at {moment(one.current_period_end)}"
    return ""


def _tone(status: SubscriptionStatus) -> Tone:
    if status in INACTIVE:
        return "bad"
    good = {SubscriptionStatus.ACTIVE, SubscriptionStatus.TRIALING}
    return "good" if status in good else "warn"
