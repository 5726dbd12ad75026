"""Why Razorpay says that a payment failed (https://razorpay.com/docs/errors/payments/cards)."""

from collections.abc import Mapping

from msgspec import Struct

from service.core.strict_json import JsonObject


class Decline(Struct, frozen=True):
    """The error fields of a failed payment, but for `error_reason`, which names it."""

    code: str
    description: str
    source: str
    step: str

    def fields(self, reason: str) -> JsonObject:
        """Return the fields of a payment entity."""
        return {
            "error_code": self.code,
            "error_description": self.description,
            "error_source": self.source,
            "error_step": self.step,
            "error_reason": reason,
        }


USUAL_DECLINE = "payment_failed"
TIMED_OUT = "payment_timed_out"

DECLINES: Mapping[str, Decline] = {
    "payment_failed": Decline(
        "BAD_REQUEST_ERROR",
        "Your payment was declined by the bank. Try another method or contact your bank.",
        "bank",
        "payment_authorization",
    ),
    "insufficient_funds": Decline(
        "BAD_REQUEST_ERROR",
        "Your payment could not be completed due to insufficient account balance. "
        "Try another card or payment method.",
        "customer",
        "payment_authorization",
    ),
    "card_declined": Decline(
        "BAD_REQUEST_ERROR",
        "Your payment was declined by your bank. Try another card or payment method.",
        "bank",
        "payment_authorization",
    ),
    "invalid_otp": Decline(
        "BAD_REQUEST_ERROR",
        "Authentication failed due to incorrect otp",
        "customer",
        "payment_authentication",
    ),
    "payment_cancelled": Decline(
        "BAD_REQUEST_ERROR",
        "Your payment has been cancelled. Try again or complete the payment later.",
        "customer",
        "payment_authentication",
    ),
    "payment_timed_out": Decline(
        "BAD_REQUEST_ERROR",
        "Payment was not completed on time.",
        "customer",
        "payment_authentication",
    ),
    "gateway_technical_error": Decline(
        "GATEWAY_ERROR",
        "Your payment did not go through due to a temporary issue. Any debited amount will be "
        "refunded in 4-5 business days.",
        "gateway",
        "payment_authorization",
    ),
}
"""By `error_reason`; the first one is what is said where none was chosen."""

NO_ERROR: JsonObject = {
    "error_code": None,
    "error_description": None,
    "error_source": None,
    "error_step": None,
    "error_reason": None,
}


def error_fields(reason: str | None) -> JsonObject:
    """Return the error fields of a failed payment; an unknown reason becomes the usual one."""
    known = reason if reason and reason in DECLINES else USUAL_DECLINE
    return DECLINES[known].fields(known)
