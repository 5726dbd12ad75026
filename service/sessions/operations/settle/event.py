"""One event that is being applied to a session, and what came of it."""

from enum import StrEnum

from msgspec import Struct

from service.providers.base import VerifiedEvent
from service.sessions.documents import Session
from service.sessions.operations.move import Why
from service.sessions.states import Lifetimes
from service.storage.transaction import Transaction


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
    ANOTHERS = "payment_of_another_session"
    FOREIGN = "foreign_checkout"


class Settling(Struct, frozen=True):
    """One event being applied: its transaction, the event, and what is decided for all sessions.

    `about` is the payment, or else the checkout, of the fact whose turn it is, `stranger` why it is
    not the session's own. `refs` are the provider's ids of the event's checkout that no other
    session has, `may_ask` tells whether the provider can still be asked for them.
    """

    tx: Transaction
    event: VerifiedEvent
    why: Why
    lifetimes: Lifetimes
    merchant_id: str
    about: str = ""
    stranger: Mismatch | None = None
    refs: tuple[str, ...] = ()
    may_ask: bool = False


class Settled(Struct, frozen=True):
    """The session as it now stands, and why the event went to review, if it did."""

    session: Session
    review: Mismatch | None = None
