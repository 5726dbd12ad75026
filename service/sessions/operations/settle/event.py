"""One event that is being applied to a session, and what came of it."""

from enum import StrEnum

from msgspec import Struct

from service.providers.base import VerifiedEvent
from service.sessions.documents import Session
from service.sessions.operations.move import Why
from service.sessions.states import Lifetimes
from service.storage.transactions import Transaction


class Mismatch(StrEnum):
    """Why an event does not fit its session; a person must look."""

    ACCOUNT = "account_mismatch"
    MODE = "mode_mismatch"
    CURRENCY = "currency_mismatch"
    AMOUNT = "amount_mismatch"
    PARTIAL = "partial_payment"
    NOT_FREE = "payment_was_due"
    SECOND = "duplicate_payment"
    AFTER_REJECTION = "paid_after_rejection"


class Settling(Struct, frozen=True):
    """One event being applied: its transaction, the event, and what is decided for all sessions.

    `about` is the payment, or else the checkout, of the fact whose turn it is.
    """

    tx: Transaction
    event: VerifiedEvent
    why: Why
    lifetimes: Lifetimes
    merchant_id: str
    about: str = ""


class Settled(Struct, frozen=True):
    """The session as it now stands, and why the event went to review, if it did."""

    session: Session
    review: Mismatch | None = None
