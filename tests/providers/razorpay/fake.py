"""Entities as Razorpay's API answers them."""

from service.providers.base import CheckoutRequest
from tests.providers.http_fake import Json
from tests.providers.razorpay.case import NOON

ORDER, LINK, PAYMENT = "order_DESlLckIVRkHWj", "plink_Qb2gHrKr01Maky", "pay_DESlfW9H8K9uqM"
NOTES: Json = {"sessionId": "ps_1", "merchantId": "default"}


def request(**changed: object) -> CheckoutRequest:
    """A request to open a payment session's checkout; some fields changed."""
    given: dict[str, object] = {
        "session_id": "ps_1",
        "merchant_id": "default",
        "attempt_id": "ps_1",
        "idempotency_key": "ps_1:1",
        "kind": "payment",
        "mode": "payment",
        "amount": 29900,
        "currency": "INR",
        "quantity": 1,
        "description": "A pass",
        "expires_at": NOON,
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
    }
    return CheckoutRequest(**{**given, **changed})  # type: ignore[arg-type]


def order(status: str = "created", **changed: object) -> Json:
    """An order of ours."""
    return {
        "id": ORDER,
        "entity": "order",
        "amount": 29900,
        "amount_paid": 0,
        "amount_due": 29900,
        "currency": "INR",
        "receipt": "ps_1",
        "status": status,
        "attempts": 0,
        "notes": NOTES,
        "created_at": 1567674580,
        **changed,
    }


def link(status: str = "created", **changed: object) -> Json:
    """A payment link of ours."""
    return {
        "id": LINK,
        "amount": 29900,
        "amount_paid": 0,
        "currency": "INR",
        "reference_id": "ps_1",
        "short_url": "https://rzp.io/i/nxrHnLJ",
        "expire_by": 1795261560,
        "status": status,
        "notes": NOTES,
        "payments": None,
        "created_at": 1567674580,
        **changed,
    }


def payment(status: str, **changed: object) -> Json:
    """A payment of the order."""
    return {
        "id": PAYMENT,
        "entity": "payment",
        "amount": 29900,
        "currency": "INR",
        "status": status,
        "order_id": ORDER,
        "method": "upi",
        "captured": status == "captured",
        "notes": [],
        "created_at": 1567674599,
        **changed,
    }


def refusal(description: str) -> tuple[int, Json]:
    """A 400 in Razorpay's shape."""
    return 400, {"error": {"code": "BAD_REQUEST_ERROR", "description": description}}
