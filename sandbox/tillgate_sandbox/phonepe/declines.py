"""Why PhonePe says that an attempt failed: its error code, and in detail the bank's.

https://developer.phonepe.com/payment-gateway/error-codes; the detailed codes are those of NPCI's
UPI error list.
"""

from collections.abc import Mapping

from service.core.strict_json import JsonObject

USUAL_DECLINE = "AUTHORIZATION_ERROR"
BOUNCED = "TXN_NOT_COMPLETED"

DECLINES: Mapping[str, str] = {
    "AUTHORIZATION_ERROR": "ZA",  # the customer declined in the app
    "INVALID_MPIN": "ZM",
    "INSUFFICIENT_BALANCE": "Z9",
    "BANK_TECHNICAL_ISSUE": "U30",
    "TXN_NOT_COMPLETED": "TXN_AUTO_FAILED",
}
"""`errorCode` -> `detailedErrorCode`; the first one is the default."""


def error_fields(code: str | None, usual: str = USUAL_DECLINE) -> JsonObject:
    """Return the error fields of an attempt or an order; an unknown code becomes the usual one."""
    known = code if code and code in DECLINES else usual
    return {"errorCode": known, "detailedErrorCode": DECLINES[known]}
