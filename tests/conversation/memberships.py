"""What really became of subscriptions, as the played providers have it in their books."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct, structs

from tests.conversation.books import RealPayment
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.lives import Invoice, Life, cost_of
from tillgate_sandbox.razorpay import billing as razorpay
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus
from tillgate_sandbox.stripe import billing as stripe
from tillgate_sandbox.stripe.render import subscribes

_AT_RAZORPAY = {"unpaid": "halted"}
_INACTIVE = frozenset({"unpaid", "halted", "paused", "canceled"})


class RealSubscription(Struct, frozen=True):
    """A subscription in a provider's books, in our words for its state.

    `opened_at` is when the checkout was opened that began it.
    """

    id: str
    checkout_id: str
    provider: str
    session_id: str
    opened_at: datetime
    life: Life

    @property
    def status(self) -> str:
        """Return how it stands."""
        status = self.life.status
        return _AT_RAZORPAY.get(status, status) if self.provider == "razorpay" else status

    @property
    def is_inactive(self) -> bool:
        """Return whether what was subscribed to may be stopped."""
        return self.status in _INACTIVE

    @property
    def paid(self) -> dict[str, Invoice]:
        """Return its paid invoices that cost something, by what our ledger calls each."""
        found = [one for one in self.life.invoices if one.intent is not None]
        if self.provider == "stripe":
            return {one.id: one for one in found}
        return {razorpay.payment_id(one): one for one in found}


def subscriptions_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealSubscription]:
    """Return every subscription that was begun, by its provider's id, the oldest first."""
    begun = [one for one in checkouts if _begins(one) and one.status is CheckoutStatus.PAID]
    found = {}
    for one in begun:
        life = stripe.life_of(one) if one.provider == "stripe" else razorpay.life_of(one)
        found[life.id] = RealSubscription(
            life.id, one.id, one.provider, one.session_id, one.created_at, life
        )
    return found


def renewals_in(checkouts: Iterable[SandboxCheckout]) -> dict[str, RealPayment]:
    """Return every payment of a later invoice, and each try at it, by what our ledger calls it."""
    found = {}
    for real in subscriptions_in(checkouts).values():
        for invoice in real.life.invoices[1:]:
            for key, status in _tries_of(real, invoice).items():
                found[key] = _payment(real, invoice, key, status)
    return found


def _tries_of(real: RealSubscription, invoice: Invoice) -> dict[str, PaymentStatus]:
    """Return how an invoice's payments stand: Stripe has one, Razorpay one for each try."""
    paid = invoice.intent is not None
    stands = PaymentStatus.SUCCEEDED if paid else PaymentStatus.DECLINED
    if real.provider == "stripe":
        return {invoice.id: stands} if invoice.amount else {}
    numbers = range(1, invoice.attempts + (not paid))
    refused = [structs.replace(invoice, intent=None, attempts=number) for number in numbers]
    tries = {razorpay.payment_id(one): PaymentStatus.DECLINED for one in refused}
    return tries | ({razorpay.payment_id(invoice): stands} if paid else {})


def _payment(
    real: RealSubscription, invoice: Invoice, key: str, status: PaymentStatus
) -> RealPayment:
    return RealPayment(
        key,
        real.provider,
        real.session_id,
        invoice.amount,
        cost_of(real.life.price)[1].upper(),
        status,
        real.opened_at,
        renews=real.id,
    )


def _begins(checkout: SandboxCheckout) -> bool:
    return checkout.kind == "subscription" or subscribes(checkout)
