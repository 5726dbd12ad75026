"""Where a delivery stands, how long one that failed waits, and when an endpoint is given up. Pure.

The waits are those that Standard Webhooks recommends
(https://github.com/standard-webhooks/standard-webhooks, "deliverability and reliability").
"""

from datetime import timedelta
from enum import StrEnum
from typing import Literal


class DeliveryStatus(StrEnum):
    """Where a delivery stands. `canceled`: its endpoint was disabled or removed before."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELED = "canceled"


DisabledBecause = Literal["gone", "failing", "by_hand"]
"""Why an endpoint is disabled: it answered 410, it failed for days, or somebody decided so."""

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
"""How long a delivery waits after each try that failed. After the last it is given up."""

LONGEST_WAIT = max(WAITS)
"""The longest that a receiver may put us off by `Retry-After`."""

DISABLED_AFTER = timedelta(days=5)
"""An endpoint that took nothing for so long, while it was tried, is disabled."""

GONE = 410
TEST = "endpoint.test"
"""The type of the event that an endpoint is sent for a test: no filter hears it."""


def wait_after(tries: int) -> timedelta | None:
    """Return the wait after some tries that failed; None after the last."""
    return WAITS[tries - 1] if tries <= len(WAITS) else None
