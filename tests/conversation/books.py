"""What really happened to money, as the played providers have it in their books."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from service.storage.database import Row
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment, SandboxRefund
from tillgate_sandbox.states import CheckoutStatus, DisputeStatus, PaymentStatus
from tillgate_sandbox.stripe.billing import invoice_id
from tillgate_sandbox.stripe.render import subscribes

_OF_AN_INVOICE = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.PROCESSING})
_TAKEN = frozenset({DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST})

CLOSABLE = frozenset({"session", "link"})
"""Kinds of checkouts that a merchant can close: Stripe's sessions, Razorpay's links."""


@dataclass(frozen=True, slots=True)
class RealPayment:
    """One payment in a provider's books. `key` is what our ledger calls it.

    `opened_at` is when its checkout was opened: a session's id may have been taken anew since.
    `refunded` reached the customer, `refunding` is on its way, `withheld` was taken by a dispute
    that is undecided and `lost` by one that was lost. What Razorpay refunds for a lost dispute is
    lost, and not refunded: it is the same money. `renews` is the subscription that a later invoice
    of is paid, which is no session's.
    """

    key: str
    provider: str
    session_id: str
    amount: int
    currency: str
    status: PaymentStatus
    opened_at: datetime
    refunded: int = 0
    refunding: int = 0
    withheld: int = 0
    lost: int = 0
    renews: str | None = None

    @property
    def kept(self) -> int:
        """Return what is left to the merchant, were everything under way to succeed."""
        gone = self.refunded + self.refunding + self.withheld + self.lost
        return self.amount - gone if self.paid else 0

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


@dataclass(frozen=True, slots=True)
class RealRefund:
    """A refund in a provider's books; `key` is its payment's, `ours` our id of it, if it has one.

    `by_dispute`: the provider paid so what a dispute took.
    """

    id: str
    key: str
    provider: str
    amount: int
    status: str
    voids: bool
    by_dispute: bool
    ours: str | None


@dataclass(frozen=True, slots=True)
class RealDispute:
    """A dispute in a provider's books; `key` is its payment's."""

    id: str
    key: str
    amount: int
    status: DisputeStatus


def refunds_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealRefund]:
    """Return every refund of some checkouts, by its provider's id."""
    return {
        refund.id: RealRefund(
            refund.id,
            key_of(checkout, payment),
            checkout.provider,
            refund.amount,
            refund.status,
            payment.status is PaymentStatus.VOIDED,
            refund.by_dispute,
            _ours(checkout, refund),
        )
        for checkout in checkouts
        for payment in checkout.payments
        for refund in payment.refunds
    }


def disputes_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealDispute]:
    """Return every dispute of some checkouts, by its provider's id."""
    return {
        one.id: RealDispute(one.id, key_of(checkout, payment), one.amount, one.status)
        for checkout in checkouts
        for payment in checkout.payments
        if (one := payment.dispute) is not None
    }


def key_of(checkout: SandboxCheckout, payment: SandboxPayment) -> str:
    """Return what our ledger calls a payment; PhonePe has one for an order.

    What Stripe takes for a subscription is its invoice's.
    """
    if checkout.provider == "stripe" and subscribes(checkout) and payment.status in _OF_AN_INVOICE:
        return invoice_id(checkout)
    return checkout.id if checkout.provider == "phonepe" else payment.id


def payments_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealPayment]:
    """Return every payment of some checkouts, by the key that our ledger has for it.

    PhonePe has one payment for an order: the last of its attempts tells how it stands.
    """
    found: dict[str, RealPayment] = {}
    for checkout in checkouts:
        for payment in checkout.payments:
            key = key_of(checkout, payment)
            found[key] = RealPayment(
                key,
                checkout.provider,
                checkout.session_id,
                payment.amount,
                payment.currency,
                payment.status,
                checkout.created_at,
                *_moved(payment),
            )
    return found


def _ours(checkout: SandboxCheckout, refund: SandboxRefund) -> str | None:
    if checkout.provider == "phonepe":
        return refund.id
    named = refund.metadata.get("refundId")
    return named if isinstance(named, str) else refund.receipt


def _moved(payment: SandboxPayment) -> tuple[int, int, int, int]:
    """Return what was refunded, is being refunded, is held and was lost of a payment."""
    if payment.status is not PaymentStatus.SUCCEEDED:
        return 0, 0, 0, 0
    own = [one for one in payment.refunds if not one.by_dispute]
    refunded = sum(one.amount for one in own if one.status == "succeeded")
    refunding = sum(one.amount for one in own if one.status == "pending")
    dispute = payment.dispute
    if dispute is None or dispute.status not in _TAKEN:
        return refunded, refunding, 0, 0
    lost = dispute.status is DisputeStatus.LOST
    return refunded, refunding, 0 if lost else dispute.amount, dispute.amount if lost else 0


def payable(checkout: SandboxCheckout) -> bool:
    """Return whether a checkout that could have been closed can still be paid."""
    return checkout.kind in CLOSABLE and checkout.status is CheckoutStatus.OPEN
