"""Where an event of the inbox stands, and when it is tried again."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from service.leases.backoff import backoff, jittered

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
FIRST_WAIT = timedelta(seconds=1)


def next_attempt_at(received_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """Return when a waiting event is tried again: after about 1, 2, 4 … s, at most 6 hours.

    The first wait is short: a webhook often overtakes the call that links its session by a moment.

    None once 30 days have passed: it is dead, and stays listed for a person.
    """
    if now - received_at >= GIVE_UP_AFTER:
        return None
    return now + jittered(backoff(attempts, FIRST_WAIT))
