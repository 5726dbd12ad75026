"""Why Stripe says that a card was declined (https://docs.stripe.com/declines/codes)."""

from collections.abc import Mapping

from service.core.strict_json import JsonObject

USUAL_DECLINE = "generic_decline"

DECLINES: Mapping[str, tuple[str, str]] = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "stolen_card": ("card_declined", "Your card was declined."),
    "do_not_honor": ("card_declined", "Your card was declined."),
    "fraudulent": ("card_declined", "Your card was declined."),
    "card_velocity_exceeded": ("card_declined", "Your card was declined."),
    "authentication_required": ("authentication_required", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "incorrect_number": ("incorrect_number", "Your card number is incorrect."),
    "processing_error": (
        "processing_error",
        "An error occurred while processing your card. Try again in a little bit.",
    ),
}
"""Decline code -> the error's `code` and `message`. No customer learns that a card was stolen."""


def payment_error(decline_code: str | None, charge_id: str) -> JsonObject:
    """Return an intent's `last_payment_error`; an unknown code becomes the usual one."""
    known = decline_code if decline_code and decline_code in DECLINES else USUAL_DECLINE
    code, message = DECLINES[known]
    return {
        "charge": charge_id,
        "code": code,
        "decline_code": known,
        "doc_url": "https://docs.stripe.com/error-codes/" + code.replace("_", "-"),
        "message": message,
        "type": "card_error",
    }


def bounced_error(charge_id: str) -> JsonObject:
    """Return the error of a payment that the bank refused days later."""
    return {
        "charge": charge_id,
        "code": "payment_intent_payment_attempt_failed",
        "doc_url": "https://docs.stripe.com/error-codes/payment-intent-payment-attempt-failed",
        "message": "The payment failed.",
        "type": "card_error",
    }
