"""Stripe's event for an outcome, rendered like those of the played Stripe."""

from collections.abc import Mapping

from service.core.strict_json import JsonObject
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.events.sale import Outcome, Sale, checkout_of
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus
from tillgate_sandbox.stripe.events import made_event
from tillgate_sandbox.stripe.render import checkout_session, payment_intent

_STANDS: Mapping[Outcome, tuple[CheckoutStatus, PaymentStatus | None]] = {
    Outcome.SUCCEEDED: (CheckoutStatus.PAID, PaymentStatus.SUCCEEDED),
    Outcome.PROCESSING: (CheckoutStatus.PROCESSING, PaymentStatus.PROCESSING),
    Outcome.EXPIRED: (CheckoutStatus.EXPIRED, None),
    Outcome.FAILED: (CheckoutStatus.OPEN, PaymentStatus.DECLINED),
}
_KINDS = {
    Outcome.SUCCEEDED: "checkout.session.completed",
    Outcome.PROCESSING: "checkout.session.completed",
    Outcome.EXPIRED: "checkout.session.expired",
    Outcome.FAILED: "payment_intent.payment_failed",
}
# What ends a payment that Stripe reported as unpaid before.
_UNDERWAY = {
    Outcome.SUCCEEDED: "checkout.session.async_payment_succeeded",
    Outcome.FAILED: "checkout.session.async_payment_failed",
}


def stripe_event(sale: Sale, outcome: Outcome) -> MadeEvent:
    """Build the event that reports an outcome; the same outcome has the same id."""
    kind = (_UNDERWAY if sale.underway else {}).get(outcome, _KINDS[outcome])
    checkout = _checkout(sale, outcome)
    about = (
        payment_intent(checkout, checkout.payments[-1])
        if kind.startswith("payment_intent.")
        else checkout_session(checkout)
    )
    return made_event(kind, about, sale.at, sale.made_id("evt_", kind))


def _checkout(sale: Sale, outcome: Outcome) -> SandboxCheckout:
    status, paid = _STANDS[outcome]
    if sale.underway and outcome is Outcome.FAILED:
        status, paid = CheckoutStatus.FAILED, PaymentStatus.FAILED
    metadata: JsonObject = {
        "checkoutSessionId": sale.session_id,
        "sessionId": sale.session_id,
        "merchantId": sale.merchant_id,
    }
    if sale.user_id:
        metadata["userId"] = sale.user_id
    return checkout_of(
        sale,
        id=sale.checkout_ref or sale.made_id("cs_test_", length=56),
        provider="stripe",
        status=status,
        payment=None if paid is None else (sale.made_id("pi_"), paid),
        request={
            "client_reference_id": sale.session_id,
            "customer_email": sale.email,
            "metadata": metadata,
            "mode": sale.mode,
            "payment_intent_data": {"metadata": metadata},
        },
    )
