"""How much of a payment went back. Pure."""

from enum import StrEnum


class RefundState(StrEnum):
    """How much of a payment was refunded: derived from the refunds that succeeded."""

    NONE = "none"
    PARTLY = "partly"
    WHOLLY = "wholly"


def refund_state(amount: int, refunded: int) -> RefundState:
    """Return how much of an amount was refunded; both in minor units of one currency."""
    if refunded <= 0:
        return RefundState.NONE
    return RefundState.PARTLY if refunded < amount else RefundState.WHOLLY
