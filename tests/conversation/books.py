"""What really happened to money, as the played providers have it in their books."""

from collections.abc import Iterable
from dataclasses import dataclass

from service.sandbox.documents import SandboxCheckout
from service.sandbox.states import CheckoutStatus, PaymentStatus

CLOSABLE = frozenset({"session", "link"})
"""Kinds of checkouts that a merchant can close: Stripe's sessions, Razorpay's links."""


@dataclass(frozen=True, slots=True)
class RealPayment:
    """One payment in a provider's books. `key` is what our ledger calls it."""

    key: str
    provider: str
    session_id: str
    amount: int
    currency: str
    status: PaymentStatus

    @property
    def paid(self) -> bool:
        """Tell whether the money moved."""
        return self.status is PaymentStatus.SUCCEEDED

    @property
    def under_way(self) -> bool:
        """Tell whether the money may still move."""
        return self.status in {PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED}


def payments_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealPayment]:
    """Return every payment of some checkouts, by the key that our ledger has for it.

    PhonePe has one payment for an order: the last of its attempts tells how it stands.
    """
    found: dict[str, RealPayment] = {}
    for checkout in checkouts:
        for payment in checkout.payments:
            key = checkout.id if checkout.provider == "phonepe" else payment.id
            found[key] = RealPayment(
                key,
                checkout.provider,
                checkout.session_id,
                payment.amount,
                payment.currency,
                payment.status,
            )
    return found


def payable(checkout: SandboxCheckout) -> bool:
    """Tell whether a checkout that could have been closed can still be paid."""
    return checkout.kind in CLOSABLE and checkout.status is CheckoutStatus.OPEN
