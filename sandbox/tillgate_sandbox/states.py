"""What can happen to a checkout at a played provider. Pure."""

from collections.abc import Mapping
from enum import StrEnum

from service.providers.registry import ProviderName


class CheckoutStatus(StrEnum):
    """Where a checkout stands, in words that fit all providers."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


class PaymentStatus(StrEnum):
    """Where one payment stands."""

    DECLINED = "declined"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    VOIDED = "voided"
    """Money that was held was let go of, and never taken."""


class DisputeStatus(StrEnum):
    """Where a dispute stands. An inquiry moves no money."""

    INQUIRY = "inquiry"
    OPEN = "open"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"


class Happening(StrEnum):
    """What happens to a checkout, by a button of its page, by the API or by time.

    Each provider reports it by its own events, one or several, or not at all.
    """

    PAID = "paid"
    DELAYED = "delayed"
    SETTLED = "settled"
    BOUNCED = "bounced"
    DECLINED = "declined"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    EXPIRED = "expired"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    VOIDED = "voided"
    REFUND_STARTED = "refund_started"
    REFUND_SETTLED = "refund_settled"
    REFUND_FAILED = "refund_failed"
    INQUIRED = "inquired"
    INQUIRY_CLOSED = "inquiry_closed"
    DISPUTE_ANSWERED = "dispute_answered"
    DISPUTE_WON = "dispute_won"
    DISPUTE_LOST = "dispute_lost"


AFTER_SALE = frozenset(
    {
        Happening.REFUNDED,
        Happening.REFUND_STARTED,
        Happening.REFUND_SETTLED,
        Happening.REFUND_FAILED,
        Happening.DISPUTED,
        Happening.INQUIRED,
        Happening.INQUIRY_CLOSED,
        Happening.DISPUTE_ANSWERED,
        Happening.DISPUTE_WON,
        Happening.DISPUTE_LOST,
    }
)
"""What happens to money that has arrived; the checkout stays paid."""

_DISPUTES = frozenset(
    {
        Happening.DISPUTED,
        Happening.INQUIRED,
        Happening.INQUIRY_CLOSED,
        Happening.DISPUTE_ANSWERED,
        Happening.DISPUTE_WON,
        Happening.DISPUTE_LOST,
    }
)

_LEADS_TO: dict[Happening, tuple[frozenset[CheckoutStatus], CheckoutStatus]] = {
    Happening.PAID: (
        frozenset({CheckoutStatus.OPEN, CheckoutStatus.EXPIRED}),
        CheckoutStatus.PAID,
    ),
    Happening.DELAYED: (frozenset({CheckoutStatus.OPEN}), CheckoutStatus.PROCESSING),
    Happening.AUTHORIZED: (frozenset({CheckoutStatus.OPEN}), CheckoutStatus.PROCESSING),
    Happening.SETTLED: (frozenset({CheckoutStatus.PROCESSING}), CheckoutStatus.PAID),
    Happening.CAPTURED: (frozenset({CheckoutStatus.PROCESSING}), CheckoutStatus.PAID),
    Happening.BOUNCED: (frozenset({CheckoutStatus.PROCESSING}), CheckoutStatus.FAILED),
    Happening.DECLINED: (frozenset({CheckoutStatus.OPEN}), CheckoutStatus.OPEN),
    Happening.EXPIRED: (frozenset({CheckoutStatus.OPEN}), CheckoutStatus.EXPIRED),
    Happening.CANCELED: (frozenset({CheckoutStatus.OPEN}), CheckoutStatus.CANCELED),
    Happening.VOIDED: (frozenset({CheckoutStatus.PROCESSING}), CheckoutStatus.OPEN),
    **{one: (frozenset({CheckoutStatus.PAID}), CheckoutStatus.PAID) for one in AFTER_SALE},
}
"""From which states a happening is possible, and where it leads. A late payment is possible: banks
settle what a checkout has given up on."""

_HAS_NO: Mapping[ProviderName, frozenset[Happening]] = {
    # It takes money at once, and has no event for what is held or disputed.
    "phonepe": _DISPUTES | {Happening.AUTHORIZED, Happening.CAPTURED, Happening.VOIDED},
    # An intent that is canceled lets go of what it held: no refund is reported.
    "stripe": frozenset({Happening.VOIDED}),
}
"""What a provider does not have, and so can't report."""

_TRIED_AGAIN = frozenset({Happening.AUTHORIZED, Happening.PAID})
"""What Razorpay takes of an order whose payment is held or late: a customer who saw nothing come of
the first tries again. It lets one of them be captured."""


def leads_to(
    happening: Happening, provider: ProviderName
) -> tuple[frozenset[CheckoutStatus], CheckoutStatus]:
    """Return from which states a happening is possible at a provider, and where it leads.

    From none, where the provider has no such thing.
    """
    possible, after = _LEADS_TO[happening]
    if happening in _HAS_NO.get(provider, ()):
        return frozenset(), after
    if provider == "razorpay" and happening is Happening.BOUNCED:
        # A failed payment ends the attempt alone: the order, or the link, can be paid again.
        return possible, CheckoutStatus.OPEN
    if provider == "razorpay" and happening in _TRIED_AGAIN:
        return possible | {CheckoutStatus.PROCESSING}, after
    return possible, after


def possible_now(status: CheckoutStatus, provider: ProviderName) -> list[Happening]:
    """Return what may happen to a checkout of a provider as it stands."""
    return [happening for happening in Happening if status in leads_to(happening, provider)[0]]
