"""Razorpay's event for an outcome, rendered like those of the played Razorpay."""

from collections.abc import Mapping

from service.core.strict_json import JsonObject
from service.settings import Settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.events.sale import Outcome, OutcomeUnknownToProvider, Sale, checkout_of
from tillgate_sandbox.razorpay.events import PlayedRazorpay
from tillgate_sandbox.razorpay.render import is_link
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

_STANDS: Mapping[Outcome, tuple[CheckoutStatus, PaymentStatus | None]] = {
    Outcome.SUCCEEDED: (CheckoutStatus.PAID, PaymentStatus.SUCCEEDED),
    Outcome.PROCESSING: (CheckoutStatus.PROCESSING, PaymentStatus.AUTHORIZED),
    Outcome.FAILED: (CheckoutStatus.OPEN, PaymentStatus.DECLINED),
    Outcome.EXPIRED: (CheckoutStatus.EXPIRED, None),
}


def razorpay_event(sale: Sale, outcome: Outcome, settings: Settings) -> MadeEvent:
    """Build the event that reports an outcome; the same outcome has the same id.

    Raises `OutcomeUnknownToProvider` for an order that expires: only payment links do; and for a
    payment that names only its order, if no order was opened.
    """
    kind = _kind(sale, outcome)
    checkout = _checkout(sale, outcome)
    payment = checkout.payments[-1] if checkout.payments else None
    event_id = sale.made_id("", kind, length=14)
    return PlayedRazorpay(settings).made(kind, checkout, payment, sale.at, event_id)


def _kind(sale: Sale, outcome: Outcome) -> str:
    by_link = is_link(sale.checkout_ref or "")
    if outcome is Outcome.EXPIRED:
        if not by_link:
            raise OutcomeUnknownToProvider(
                "Razorpay never tells that an order expired, it tells so of payment links only. "
                "The session expires by the clock."
            )
        return "payment_link.expired"
    if outcome is Outcome.SUCCEEDED:
        return "payment_link.paid" if by_link else "order.paid"
    if sale.checkout_ref is None:
        raise OutcomeUnknownToProvider(
            "Razorpay's events of a payment that is not captured name its order alone, and the "
            "session has none. Open its checkout first: POST /api/payments/create-checkout."
        )
    return "payment.authorized" if outcome is Outcome.PROCESSING else "payment.failed"


def _checkout(sale: Sale, outcome: Outcome) -> SandboxCheckout:
    status, paid = _STANDS[outcome]
    # Each attempt is a payment of its own; an authorized one is captured under its id.
    payment_id = sale.made_id("pay_", outcome is Outcome.FAILED, length=14)
    notes: JsonObject = {"sessionId": sale.session_id, "merchantId": sale.merchant_id}
    given: JsonObject = {"notes": notes}
    ref = sale.checkout_ref or sale.made_id("order_", length=14)
    given["reference_id" if is_link(ref) else "receipt"] = sale.session_id
    if sale.email:
        given["customer"] = {"email": sale.email}
    return checkout_of(
        sale,
        id=ref,
        provider="razorpay",
        status=status,
        payment=None if paid is None else (payment_id, paid),
        request=given,
    )
