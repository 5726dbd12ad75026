"""How the facts about one refund add up, whatever order they arrive in. Pure."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Literal

from service.core.ids import digest
from service.payments.payments.states import as_number


class RefundStatus(StrEnum):
    """Where a refund stands. From `processing` on only its provider's events move it."""

    REQUESTED = "requested"
    DENIED = "denied"
    APPROVED = "approved"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"


Source = Literal["customer", "merchant", "provider", "review"]
"""Who asked for a refund; `provider`: it was made there, in its dashboard or by itself."""

RESERVED = frozenset({RefundStatus.APPROVED, RefundStatus.PROCESSING})
"""Money of these is spoken for: no other refund may take it."""

# A refund that succeeded can still fail, when the customer's bank sends the money back; nothing
# comes back from that. So the rank alone decides, and never a time.
_RANK = {status: rank for rank, status in enumerate(RefundStatus)}

_REPORTED = {
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELED,
}


def status_reported(word: str) -> RefundStatus:
    """Return the state that a provider's neutral word means; what is no end is under way."""
    return _REPORTED.get(word, RefundStatus.PROCESSING)


def place_of(status: RefundStatus, at: datetime) -> int:
    """Return the place of what was said of a refund in the order in which the greatest stands."""
    return as_number((_RANK[status], at, 0))


def derived_id(provider: str, account: str, provider_refund_id: str) -> str:
    """Return our id of a refund that was made at the provider: the same for all its events."""
    return f"r-{digest(f'{provider}:{account}:{provider_refund_id}')[:24]}"


def total(amounts: Iterable[tuple[RefundStatus, int]]) -> tuple[int, int]:
    """Return what is refunded and what is reserved by some refunds, in minor units."""
    refunded = reserved = 0
    for status, amount in amounts:
        if status is RefundStatus.SUCCEEDED:
            refunded += amount
        elif status in RESERVED:
            reserved += amount
    return refunded, reserved
