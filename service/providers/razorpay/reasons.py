"""What Razorpay's reasons mean (https://razorpay.com/docs/errors/payments, /api/refunds)."""

DECLINES = {
    "bank_technical_error": "The bank has a technical problem.",
    "card_declined": "The bank declined the card.",
    "card_expired": "The bank declined the card: it has expired.",
    "card_not_enrolled": "The card is not set up for payments on the internet.",
    "debit_instrument_blocked": "The bank blocked the card or the account.",
    "gateway_technical_error": "A technical problem occurred on the way to the bank.",
    "incorrect_card_expiry_date": "The bank declined the card: the date of expiry is wrong.",
    "incorrect_cvv": "The bank declined the card: the security code is wrong.",
    "incorrect_otp": "The one-time password was wrong.",
    "incorrect_pin": "The PIN was wrong.",
    "insufficient_funds": "The bank declined the payment: insufficient funds.",
    "international_transaction_not_allowed": "The card is not allowed to pay abroad.",
    "invalid_otp": "The one-time password was wrong.",
    "invalid_vpa": "There is no such UPI address.",
    "issuer_technical_error": "The bank has a technical problem.",
    "payment_cancelled": "The customer called the payment off.",
    "payment_declined": "The bank declined the payment.",
    "payment_failed": "The bank declined the payment and gives no reason.",
    "payment_pending": "The bank has not decided yet.",
    "payment_risk_check_failed": "The bank or Razorpay suspects fraud.",
    "payment_timed_out": "The customer took too long to pay.",
    "server_error": "Razorpay has a technical problem.",
    "transaction_daily_limit_exceeded": "The bank declined the payment: a limit is used up.",
    "transaction_limit_exceeded": "The bank declined the payment: a limit is used up.",
    "user_not_registered_for_netbanking": "The customer has no net banking.",
}

# Razorpay gives no codes for why a refund was refused: these are words of its descriptions, in
# small letters (https://razorpay.com/docs/errors/refunds).
DESCRIBED = {
    "enough balance": "insufficient_balance",
    "fully refunded": "already_refunded",
    "greater than": "amount_too_large",
    "status should be captured": "not_captured",
    "dispute": "disputed",
    "does not exist": "unknown_payment",
}

REFUSALS = {
    "already_refunded": "The payment has been refunded already.",
    "amount_too_large": "More would be refunded than is left of the payment.",
    "bank_technical_error": "The customer's bank has a technical problem.",
    "disputed": "The payment is disputed: its money is held by the dispute.",
    "gateway_technical_error": "A technical problem occurred on the way to the customer's bank.",
    "insufficient_balance": "The balance at Razorpay is too low for the refund.",
    "not_captured": "Only a payment whose money was captured can be refunded.",
    "server_error": "Razorpay has a technical problem.",
    "unknown_payment": "Razorpay does not know the payment.",
}
