"""How the facts about one payment add up, whatever order they arrive in."""

from datetime import datetime
from enum import StrEnum


class PaymentStatus(StrEnum):
    """Where a payment stands. Wire values of the reference document, and two of ours.

    `authorized`: the money is held. `abandoned`: it was under way, and nobody could report it for
    so long, or a person decided so, that nothing waits for it any more.
    """

    PENDING = "pending"
    AUTHORIZED = "authorized"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    ABANDONED = "abandoned"
    REVERSED = "reversed"


LIVE = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})

# Money that moved outranks everything. Below that an attempt may fail and come back (Razorpay
# authorizes a failed payment up to days later; a Stripe intent is tried again after a decline), so
# live and failed share a rank and the later one stands.
_RANK = {
    PaymentStatus.PENDING: 1,
    PaymentStatus.AUTHORIZED: 1,
    PaymentStatus.FAILED: 1,
    PaymentStatus.CANCELED: 2,
    PaymentStatus.ABANDONED: 2,
    PaymentStatus.SUCCEEDED: 3,
    PaymentStatus.REFUNDED: 4,
    # Only an entry by hand, in whose place the real payment stands now.
    PaymentStatus.REVERSED: 5,
}
# Providers report whole seconds. Within one, the more final word wins, and a provider's over ours.
_WITHIN_A_SECOND = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.AUTHORIZED: 1,
    PaymentStatus.FAILED: 2,
    PaymentStatus.ABANDONED: 1,
}


# The rank of a failure after which the payment can't be tried again: above all that may come back.
_FINAL = 2


def standing(
    status: PaymentStatus, occurred_at: datetime, *, final: bool = False
) -> tuple[int, datetime, int]:
    """Return the place of a fact in the total order in which the greatest one stands.

    The greatest of a set is the same in whatever order its members come: that is why the ledger
    converges. `final`: a failure that ended the whole checkout, so nothing of it can come back,
    whatever the times say (PhonePe's callbacks contain none).
    """
    rank = max(_RANK[status], _FINAL) if final else _RANK[status]
    return rank, occurred_at, _WITHIN_A_SECOND.get(status, 3)
