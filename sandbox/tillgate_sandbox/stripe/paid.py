"""Find the payments of the played Stripe, by an intent or by a charge."""

from tillgate_sandbox import repository
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.stripe.refusals import no_such

Paid = tuple[SandboxCheckout, SandboxPayment]


async def the_payment(intent_id: str, param: str = "intent") -> Paid:
    """Return a payment and what it pays. Raises `StripeRefused`."""
    checkout = await repository.find_by_payment(intent_id)
    for payment in checkout.payments if checkout else []:
        if payment.id == intent_id and checkout is not None and checkout.provider == "stripe":
            return checkout, payment
    raise no_such("payment_intent", intent_id, param)


def intent_of(charge_id: str) -> str:
    """Return the intent that a charge belongs to."""
    return "pi_" + charge_id.removeprefix("ch_")
