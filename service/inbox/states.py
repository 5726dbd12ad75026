"""Where an event of the inbox stands, and when it is tried again. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

Verdict = Literal["accepted", "rejected", "same_money"]
"""What a person decided about a payment that did not fit."""


class InboxStatus(StrEnum):
    """Where an event stands; also what the sender is told as `outcome`."""

    PROCESSED = "processed"
    IGNORED = "ignored"
    REVIEW = "review"
    PARKED = "parked"
    FAILED = "failed"
    DEAD = "dead"


# A copy of one of these is a duplicate: the work is done, or waits for a person.
DONE = frozenset({InboxStatus.PROCESSED, InboxStatus.IGNORED, InboxStatus.REVIEW})
WAITING = frozenset({InboxStatus.PARKED, InboxStatus.FAILED})

# Stripe lists events for 30 days, and no provider retries for longer.
GIVE_UP_AFTER = timedelta(days=30)
_LONGEST_WAIT = timedelta(hours=6)


def next_attempt_at(received_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """Return when a waiting event is tried again: after 1, 2, 4 … seconds, at most 6 hours.

    The first wait is short: a webhook often overtakes the call that links its session by a moment.

    None once 30 days have passed: it is dead, and stays listed for a person.
    """
    if now - received_at >= GIVE_UP_AFTER:
        return None
    wait = timedelta(seconds=2 ** min(max(attempts, 1) - 1, 16))
    return now + min(wait, _LONGEST_WAIT)
