"""What can happen to a checkout at a played provider. Pure."""

from enum import StrEnum


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


class Happening(StrEnum):
    """What happens to a checkout, by a button of its page, by the API or by time.

    Each provider tells it in its own events, one or several, or not at all.
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


LEADS_TO: dict[Happening, tuple[frozenset[CheckoutStatus], CheckoutStatus]] = {
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
    Happening.REFUNDED: (frozenset({CheckoutStatus.PAID}), CheckoutStatus.PAID),
    Happening.DISPUTED: (frozenset({CheckoutStatus.PAID}), CheckoutStatus.PAID),
}
"""From which states a happening is possible, and where it leads. A late payment is possible: banks
settle what a checkout has given up on."""
