"""What Razorpay hands to the browser after a payment, signed with the secret of the API key.

https://razorpay.com/docs/payments/server-integration (Checkout) and
https://razorpay.com/docs/payments/payment-links/callback-url (payment links).
"""

from service.core.errors import Misconfigured
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.signing import hmac_sha256_hex
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.razorpay.render import is_link, order_id_of


def handed_over(
    checkout: SandboxCheckout, payment: SandboxPayment, settings: RazorpaySettings
) -> dict[str, str]:
    """Return the fields: of Checkout's handler, or of the query with which a link sends back.

    Raises `Misconfigured` without a key.
    """
    secret = settings.key_secret
    if secret is None:
        raise Misconfigured("RAZORPAY_KEY_SECRET is not set: nothing could be signed.")
    if not is_link(checkout.id):
        order_id = order_id_of(checkout.id)
        return {
            "razorpay_order_id": order_id,
            "razorpay_payment_id": payment.id,
            "razorpay_signature": _signed(secret, order_id, payment.id),
        }
    reference = str(checkout.request.get("reference_id") or "")
    signature = _signed(secret, checkout.id, reference, "paid", payment.id)
    return {
        "razorpay_payment_id": payment.id,
        "razorpay_payment_link_id": checkout.id,
        "razorpay_payment_link_reference_id": reference,
        "razorpay_payment_link_status": "paid",
        "razorpay_signature": signature,
    }


def _signed(secret: str, *parts: str) -> str:
    return hmac_sha256_hex(secret, "|".join(parts).encode())
