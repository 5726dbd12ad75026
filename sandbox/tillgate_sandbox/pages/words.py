"""The sandbox in words: faults, happenings, decline codes. Pure."""

from msgspec import Struct

from service.providers.registry import ProviderName, every_traits
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import Happened
from tillgate_sandbox.states import CheckoutStatus, Happening

FAULTS: dict[Fault, tuple[str, str]] = {
    "duplicate": ("Duplicate", "Every event arrives in several copies at once."),
    "reorder": ("Out of order", "Events arrive in another order than they happened."),
    "delay": ("Delay", "Each delivery waits a while, up to the longest delay."),
    "drop": ("Drop and retry", "Some deliveries get lost; the provider tries again."),
    "webhook_first": ("Webhook first", "The customer returns only when every webhook was tried."),
    "redirect_first": ("Redirect first", "The customer returns before any webhook comes."),
    "late": ("Late success", "The payment succeeds after the checkout has expired."),
    "wrong_amount": ("Wrong amount", "Besides the right event, one with another amount."),
    "wrong_currency": ("Wrong currency", "Besides the right event, one in another currency."),
    "old_secret": ("Old secret", "Besides the right event, one signed with a retired secret."),
    "bad_signature": ("Bad signature", "Besides the right event, one with a forged signature."),
    "unknown_session": ("Unknown session", "Besides the right event, one for nobody's session."),
    "foreign_route": ("Other route", "Besides the right event, one sent to another provider's."),
    "slow_refund": ("Slow refund", "A refund that the service asks for is pending for a while."),
    "failing_refund": ("Failing refund", "It fails in the end, even after it had succeeded."),
    "refused_refund": ("Refused refund", "The provider refuses to refund."),
    "no_balance": ("No balance", "The merchant has too little at the provider for a refund."),
}
"""Fault -> its name and what it does."""

PROVIDERS: dict[ProviderName, str] = {traits.name: traits.title for traits in every_traits()}


class Standing(Struct, frozen=True):
    """A state of a checkout, in words; `tone` is how it is coloured."""

    name: str
    tone: str
    sentence: str


STANDINGS: dict[CheckoutStatus, Standing] = {
    CheckoutStatus.OPEN: Standing("Open", "info", "It waits to be paid."),
    CheckoutStatus.PROCESSING: Standing(
        "Processing", "warn", "The customer has finished; the bank has not decided yet."
    ),
    CheckoutStatus.PAID: Standing("Paid", "good", "The money has arrived."),
    CheckoutStatus.FAILED: Standing("Failed", "bad", "The bank refused in the end."),
    CheckoutStatus.EXPIRED: Standing("Expired", "bad", "Its time ran out before it was paid."),
    CheckoutStatus.CANCELED: Standing("Canceled", "bad", "It was called off."),
}

DECLINES: dict[ProviderName, dict[str, str]] = {
    "stripe": {
        "generic_decline": "the bank gives no reason",
        "insufficient_funds": "not enough money",
        "expired_card": "the card has expired",
        "incorrect_cvc": "a wrong security code",
        "incorrect_number": "a wrong card number",
        "lost_card": "the card was reported lost",
        "stolen_card": "the card was reported stolen",
        "do_not_honor": "the bank refuses",
        "fraudulent": "Stripe suspects fraud",
        "card_velocity_exceeded": "too much within a day",
        "authentication_required": "3-D Secure is required",
        "processing_error": "an error on the way",
    },
    "razorpay": {
        "payment_failed": "the bank gives no reason",
        "insufficient_funds": "not enough money",
        "card_declined": "the bank refuses the card",
        "invalid_otp": "a wrong one-time password",
        "payment_cancelled": "the customer called it off",
        "payment_timed_out": "the customer took too long",
        "gateway_technical_error": "a technical problem on the way",
    },
    "phonepe": {
        "AUTHORIZATION_ERROR": "the customer declined in the app",
        "INVALID_MPIN": "a wrong UPI PIN",
        "INSUFFICIENT_BALANCE": "not enough money",
        "BANK_TECHNICAL_ISSUE": "the bank has a technical problem",
        "TXN_NOT_COMPLETED": "the bank did not answer in time",
    },
    "upi": {},
}
"""Provider -> the decline codes that it plays, and what they mean."""

DELAYED_METHODS: dict[ProviderName, tuple[str, str]] = {
    "stripe": ("us_bank_account", "bank debit"),
    "razorpay": ("netbanking", "net banking"),
    "phonepe": ("netbanking", "net banking"),
    "upi": ("upi", "UPI"),
}
"""Provider -> a method whose money comes later: its code and its name."""

LATER: dict[Happening, str] = {
    Happening.REFUNDED: "Refund what is left, in the provider's dashboard",
    Happening.REFUND_STARTED: "Refund what is left, slowly",
    Happening.REFUND_SETTLED: "The refund reaches the customer",
    Happening.REFUND_FAILED: "The refund fails, the money comes back",
    Happening.INQUIRED: "The bank asks about the payment",
    Happening.INQUIRY_CLOSED: "The bank's question comes to nothing",
    Happening.DISPUTED: "The customer disputes it",
    Happening.DISPUTE_ANSWERED: "The merchant sends evidence",
    Happening.DISPUTE_WON: "The dispute is won",
    Happening.DISPUTE_LOST: "The dispute is lost",
}
"""What may happen once the money has arrived, as its buttons call it."""

_HAPPENED: dict[Happening, tuple[str, str]] = {
    Happening.PAID: ("The customer paid by {method}", "good"),
    Happening.DELAYED: ("The customer paid by {method}; the bank takes its time", "warn"),
    Happening.SETTLED: ("The bank sent the money", "good"),
    Happening.BOUNCED: ("The bank refused in the end", "bad"),
    Happening.DECLINED: ("The customer's payment by {method} was declined", "bad"),
    Happening.AUTHORIZED: ("The customer's {method} was authorized, not captured yet", "warn"),
    Happening.CAPTURED: ("The service captured the payment", "good"),
    Happening.EXPIRED: ("The checkout expired at the provider", "bad"),
    Happening.CANCELED: ("The checkout was called off at the provider", "bad"),
    Happening.REFUNDED: ("Money was given back", "warn"),
    Happening.DISPUTED: ("The customer disputed the payment", "bad"),
    Happening.VOIDED: ("The money that was held was let go of", "warn"),
    Happening.REFUND_STARTED: ("A refund began", "warn"),
    Happening.REFUND_SETTLED: ("The refund reached the customer", "warn"),
    Happening.REFUND_FAILED: ("The refund failed: the money came back", "bad"),
    Happening.INQUIRED: ("The customer's bank asked about the payment", "warn"),
    Happening.INQUIRY_CLOSED: ("The bank's question came to nothing", "good"),
    Happening.DISPUTE_ANSWERED: ("The merchant answered with evidence", "info"),
    Happening.DISPUTE_WON: ("The dispute was won", "good"),
    Happening.DISPUTE_LOST: ("The dispute was lost", "bad"),
}
"""What happened to a checkout, in words, and how it is coloured."""


def in_words(one: Happened) -> tuple[str, str]:
    """Return what happened to a checkout in words, and its tone."""
    text, tone = _HAPPENED[one.what]
    why = f": {one.decline_code}" if one.decline_code else ""
    return text.format(method=(one.method or "card").replace("_", " ")) + why, tone
