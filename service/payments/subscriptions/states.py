"""How the readings of one subscription add up, whatever order they arrive in. Pure."""

from datetime import datetime
from enum import StrEnum


class SubscriptionStatus(StrEnum):
    """How a subscription stands, in words that are the same for all providers."""

    INCOMPLETE = "incomplete"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    UNPAID = "unpaid"
    HALTED = "halted"
    PAUSED = "paused"
    CANCELED = "canceled"
    COMPLETED = "completed"
    INCOMPLETE_EXPIRED = "incomplete_expired"


ENDED = frozenset(
    {
        SubscriptionStatus.CANCELED,
        SubscriptionStatus.COMPLETED,
        SubscriptionStatus.INCOMPLETE_EXPIRED,
    }
)
"""From these no subscription comes back."""

INACTIVE = ENDED | {
    SubscriptionStatus.UNPAID,
    SubscriptionStatus.HALTED,
    SubscriptionStatus.PAUSED,
}
"""What was subscribed to may be stopped: its provider has given up, or the customer has."""

RENEWED = frozenset(
    {SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE}
)
"""Another period follows, unless it is to end with this one."""

SETTLED = frozenset({SubscriptionStatus.TRIALING, SubscriptionStatus.ACTIVE})
"""Nothing becomes of these by themselves before their period is over."""

GIVEN_UP = INACTIVE - ENDED
"""What was given up and may come back, by somebody who pays or resumes it."""

UNSETTLED = frozenset({SubscriptionStatus.INCOMPLETE, SubscriptionStatus.PAST_DUE})
"""Their provider is trying to collect, and comes to an end within days."""


def outranks(
    new: SubscriptionStatus, read: int, known: SubscriptionStatus | None, seq: int
) -> bool:
    """Return whether a reading stands above the one that stands so far.

    The number of a reading was taken before it was sent, so a later one knows all that an earlier
    one did. What has ended outranks everything: an answer may be older than its number.
    """
    return (new in ENDED, read) > (known in ENDED, seq)


def inactive_since(
    status: SubscriptionStatus, before: datetime | None, ended_at: datetime | None, now: datetime
) -> datetime | None:
    """Return since when a subscription is inactive; None where it is not."""
    if status not in INACTIVE:
        return None
    return before or ended_at or now
