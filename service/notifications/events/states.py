"""The types of events, and which of them a list of filters hears. Pure."""

from collections.abc import Collection, Iterable

from service.payments.disputes.states import DisputeStatus
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.states import RefundStatus
from service.payments.subscriptions.states import SubscriptionStatus
from service.sessions.states import Status

EVENT_TYPES: frozenset[str] = frozenset(
    {
        *(f"session.{status}" for status in Status),
        *(f"payment.{status}" for status in PaymentStatus),
        *(f"refund.{status}" for status in RefundStatus),
        *(f"dispute.{status}" for status in DisputeStatus),
        "dispute.deadline_near",
        *(f"subscription.{status}" for status in SubscriptionStatus),
        "subscription.inactive",
        "review.opened",
        "review.decided",
        "alert.opened",
        "alert.repeated",
        "alert.closed",
        "intent.created",
        "recovery.reminder",
        "report.closed",
        "report.week_ended",
    }
)
"""All that is told to anybody outside: each is the topic of a message."""

FAMILIES: frozenset[str] = frozenset(name.partition(".")[0] for name in EVENT_TYPES)
"""What stands before the dot."""

ALL = "*"


def is_filter(word: str) -> bool:
    """Return whether a word names events: `*`, a family (`session.*`), or a type."""
    family, dot, rest = word.partition(".")
    return word == ALL or word in EVENT_TYPES or (dot == "." and rest == "*" and family in FAMILIES)


def hears(filters: Collection[str], event_type: str) -> bool:
    """Return whether some filters let a type of event through."""
    family = f"{event_type.partition('.')[0]}.{ALL}"
    return ALL in filters or event_type in filters or family in filters


def types_heard(filters: Iterable[str]) -> frozenset[str]:
    """Return all types of events that some filters let through."""
    wanted = frozenset(filters)
    return frozenset(one for one in EVENT_TYPES if hears(wanted, one))
