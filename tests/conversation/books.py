"""What really happened to money, as the played providers have it in their books."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.storage.database import Row
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

CLOSABLE = frozenset({"session", "link"})
"""Kinds of checkouts that a merchant can close: Stripe's sessions, Razorpay's links."""


@dataclass(frozen=True, slots=True)
class RealPayment:
    """One payment in a provider's books. `key` is what our ledger calls it.

    `opened_at` is when its checkout was opened: a session's id may have been taken anew since.
    """

    key: str
    provider: str
    session_id: str
    amount: int
    currency: str
    status: PaymentStatus
    opened_at: datetime

    @property
    def paid(self) -> bool:
        """Return whether the money moved."""
        return self.status is PaymentStatus.SUCCEEDED

    @property
    def held(self) -> bool:
        """Return whether the money waits to be captured."""
        return self.status is PaymentStatus.AUTHORIZED

    def is_of(self, session: Row) -> bool:
        """Return whether it was paid for a session, and not for an earlier one of the same id."""
        return self.session_id == session["sessionId"] and self.opened_at >= session["createdAt"]


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
                checkout.created_at,
            )
    return found


def payable(checkout: SandboxCheckout) -> bool:
    """Return whether a checkout that could have been closed can still be paid."""
    return checkout.kind in CLOSABLE and checkout.status is CheckoutStatus.OPEN
