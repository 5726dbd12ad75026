"""PhonePe's orders and refunds, v2 and v1, rendered from what the sandbox stores. Pure.

Shapes: https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference (order-status, webhook, refund) and
https://developer.phonepe.com/v1/reference/check-status-api.
"""

import hashlib
from datetime import datetime

from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import inner, text
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment, SandboxRefund
from tillgate_sandbox.phonepe.declines import BOUNCED, USUAL_DECLINE, error_fields
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

_PAID, _FAILED, _PENDING = "COMPLETED", "FAILED", "PENDING"

_ORDER_STATES = {
    CheckoutStatus.PAID: _PAID,
    CheckoutStatus.FAILED: _FAILED,
    CheckoutStatus.EXPIRED: _FAILED,
    CheckoutStatus.CANCELED: _FAILED,
}
_ATTEMPT_STATES = {
    PaymentStatus.SUCCEEDED: _PAID,
    PaymentStatus.DECLINED: _FAILED,
    PaymentStatus.FAILED: _FAILED,
}
# The reason of an order that ended by itself. After a failed attempt it is that of the attempt.
_END_ERRORS: dict[CheckoutStatus, JsonObject] = {
    CheckoutStatus.EXPIRED: {"errorCode": "ORDER_EXPIRED", "detailedErrorCode": "ORDER_EXPIRED"},
    CheckoutStatus.CANCELED: {"errorCode": "TXN_CANCELLED", "detailedErrorCode": "REQUEST_CANCEL"},
}
_REFUND_STATES = {"succeeded": _PAID, "failed": _FAILED, "pending": _PENDING}
_MODES = {"upi": "UPI_INTENT", "netbanking": "NET_BANKING"}

_V1_CODES: dict[CheckoutStatus, tuple[str, str]] = {
    CheckoutStatus.PAID: ("PAYMENT_SUCCESS", "Your payment is successful."),
    CheckoutStatus.FAILED: ("PAYMENT_ERROR", "Payment Failed"),
    CheckoutStatus.EXPIRED: ("TIMED_OUT", "Payment failed due to timeout."),
    CheckoutStatus.CANCELED: ("PAYMENT_CANCELLED", "The payment was cancelled."),
}


def phonepe_order_id(merchant_order_id: str) -> str:
    """Derive PhonePe's own id of an order."""
    return _made_id("OMO", merchant_order_id)


def milliseconds(moment: datetime) -> int:
    """Return a time as PhonePe writes it."""
    return int(moment.timestamp() * 1000)


def order_state(checkout: SandboxCheckout) -> str:
    """Return the root state. A failed attempt leaves the order PENDING until it expires."""
    return _ORDER_STATES.get(checkout.status, _PENDING)


def order_status(checkout: SandboxCheckout, *, details: bool) -> JsonObject:
    """Render v2's order; without `details` only with its latest attempt."""
    attempts = checkout.payments if details else checkout.payments[-1:]
    rendered: list[JsonValue] = [_attempt(one) for one in attempts]
    ends = checkout.expires_at or checkout.created_at
    return {
        "orderId": phonepe_order_id(checkout.id),
        "state": order_state(checkout),
        "amount": checkout.amount,
        "expireAt": milliseconds(ends),
        "metaInfo": _meta(checkout),
        **_order_error(checkout),
        "paymentDetails": rendered,
    }


def transaction_status(checkout: SandboxCheckout, payment: SandboxPayment) -> JsonObject:
    """Render v2's order with one attempt, whichever it was."""
    return order_status(checkout, details=True) | {"paymentDetails": [_attempt(payment)]}


def order_payload(checkout: SandboxCheckout, merchant_id: str) -> JsonObject:
    """Render v2's order as in a webhook."""
    return {
        **order_status(checkout, details=True),
        "merchantId": merchant_id,
        "merchantOrderId": checkout.id,
    }


def refund_status(checkout: SandboxCheckout, refund: SandboxRefund, merchant_id: str) -> JsonObject:
    """Render a refund as it stands."""
    return refund_payload(checkout, refund, merchant_id, _REFUND_STATES[refund.status])


def refund_payload(
    checkout: SandboxCheckout, refund: SandboxRefund, merchant_id: str, state: str
) -> JsonObject:
    """Render a refund as in a webhook; CONFIRMED is accepted and not yet completed."""
    at = milliseconds(refund.at)
    failed = state == _FAILED
    error: JsonObject = {"errorCode": "INTERNAL_ERROR", "detailedErrorCode": refund.failure}
    return {
        "merchantId": merchant_id,
        **(error if failed else {}),
        "merchantRefundId": refund.id,
        "originalMerchantOrderId": checkout.id,
        "refundId": phonepe_refund_id(refund.id),
        "amount": refund.amount,
        "state": state,
        "timestamp": at,
        "paymentDetails": [
            {
                "transactionId": phonepe_refund_id(refund.id),
                "paymentMode": "UPI_INTENT",
                "timestamp": at,
                "amount": refund.amount,
                "payableAmount": refund.amount,
                "feeAmount": 0,
                "state": state,
            }
        ],
    }


def phonepe_refund_id(merchant_refund_id: str) -> str:
    """Derive PhonePe's own id of a refund."""
    return _made_id("OMR", merchant_refund_id)


def v1_transaction(checkout: SandboxCheckout, merchant_id: str) -> JsonObject:
    """Render v1's transaction, of a callback or of the status call.

    Before the customer starts to pay, v1 has no transaction.
    """
    payment = checkout.payments[-1] if checkout.payments else None
    if payment is None and checkout.status not in _V1_CODES:
        return v1_not_found()
    usual = ("PAYMENT_PENDING", "Your payment is in pending state.")
    code, message = _V1_CODES.get(checkout.status, usual)
    failed = error_fields(payment.decline_code if payment else None)
    responses: dict[str, JsonValue] = {
        "PAYMENT_SUCCESS": "SUCCESS",
        "PAYMENT_ERROR": failed["detailedErrorCode"],
    }
    return {
        "success": code in ("PAYMENT_SUCCESS", "PAYMENT_PENDING"),
        "code": code,
        "message": message,
        "data": {
            "merchantId": merchant_id,
            "merchantTransactionId": checkout.id,
            "transactionId": payment.id if payment else phonepe_order_id(checkout.id),
            "amount": checkout.amount,
            "state": order_state(checkout),
            "responseCode": responses.get(code, code),
            "paymentInstrument": _v1_instrument(payment),
        },
    }


def v1_not_found() -> JsonObject:
    """Return the answer for an unknown transaction; v1 sends it with 200."""
    return {
        "success": False,
        "code": "TRANSACTION_NOT_FOUND",
        "message": "No transaction found with given details.",
        "data": {},
    }


def _v1_instrument(payment: SandboxPayment | None) -> JsonObject | None:
    """A pending transaction with an instrument is under way: one that was declined is not."""
    if payment is None or payment.status is PaymentStatus.DECLINED:
        return None
    return {"type": "UPI", "utr": "206378866112"}


def _attempt(payment: SandboxPayment) -> JsonObject:
    mode = _MODES.get(payment.method.lower(), payment.method.upper())
    rail: JsonObject = {"type": "UPI", "utr": "206378866112", "vpa": "12****78@ybl"}
    if mode == "CARD":
        rail = {"type": "PG", "transactionId": payment.id, "serviceTransactionId": payment.id}
    rendered: JsonObject = {
        "paymentMode": mode,
        "transactionId": payment.id,
        "timestamp": milliseconds(payment.at),
        "amount": payment.amount,
        "state": _ATTEMPT_STATES.get(payment.status, _PENDING),
        "splitInstruments": [
            {
                "amount": payment.amount,
                "rail": rail,
                "instrument": {"type": "ACCOUNT", "accountType": "SAVINGS"},
            }
        ],
    }
    if payment.status in (PaymentStatus.DECLINED, PaymentStatus.FAILED):
        rendered |= _payment_error(payment)
    return rendered


def _payment_error(payment: SandboxPayment) -> JsonObject:
    usual = BOUNCED if payment.status is PaymentStatus.FAILED else USUAL_DECLINE
    return error_fields(payment.decline_code, usual)


def _order_error(checkout: SandboxCheckout) -> JsonObject:
    if checkout.status is CheckoutStatus.FAILED:
        return _payment_error(checkout.payments[-1]) if checkout.payments else {}
    return _END_ERRORS.get(checkout.status, {})


def _meta(checkout: SandboxCheckout) -> JsonObject:
    given = inner(checkout.request, "metaInfo")
    return {f"udf{n}": text(given, f"udf{n}") or "" for n in range(1, 6)}


def _made_id(prefix: str, seed: str) -> str:
    digits = str(int(hashlib.sha256(f"{prefix}:{seed}".encode()).hexdigest(), 16))
    return prefix + digits[:22]
