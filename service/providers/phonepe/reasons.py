"""What PhonePe's codes mean (https://developer.phonepe.com/payment-gateway/error-codes).

The short ones are those of NPCI, which every bank of UPI uses.
"""

DECLINES = {
    "AUTHORIZATION_ERROR": "The customer declined the payment in the app.",
    "BANK_TECHNICAL_ISSUE": "The bank has a technical problem.",
    "INSUFFICIENT_BALANCE": "The bank declined the payment: insufficient funds.",
    "INTERNAL_ERROR": "PhonePe has a technical problem.",
    "INVALID_MPIN": "The UPI PIN was wrong.",
    "ORDER_EXPIRED": "The customer took too long to pay.",
    "REQUEST_CANCEL": "The customer called the payment off.",
    "TIMED_OUT": "The customer took too long to pay.",
    "TXN_AUTO_FAILED": "The bank did not answer in time.",
    "TXN_CANCELLED": "The customer called the payment off.",
    "TXN_NOT_COMPLETED": "The bank did not answer in time.",
    "U30": "The bank has a technical problem.",
    "Z9": "The bank declined the payment: insufficient funds.",
    "ZA": "The customer declined the payment in the app.",
    "ZM": "The UPI PIN was wrong.",
}

REFUSALS = {
    "BANK_TECHNICAL_ISSUE": "The customer's bank has a technical problem.",
    "INTERNAL_ERROR": "PhonePe has a technical problem.",
    "INVALID_TRANSACTION_ID": "PhonePe does not know the payment.",
    "ORDER_NOT_FOUND": "PhonePe does not know the payment.",
    "REFUND_FAILED": "The customer's bank did not take the refund.",
    "REFUND_INSUFFICIENT_BALANCE": "The balance at PhonePe is too low for the refund.",
}
