"""One event that is being applied, and what came of it."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from service.outbox.operations.hearing import Heard, nobody
from service.payments.payments.documents import Payment
from service.providers.base import VerifiedEvent
from service.sessions.documents import Session
from service.sessions.operations.moving.move import Cause
from service.sessions.states import Lifetimes, Mismatch
from service.storage.transaction import Transaction


class Applying(Struct, frozen=True):
    """One event being applied: its transaction, the event, and what is decided for all its facts.

    `merchant_id` is whose it is where no session is meant. `refs` are the provider's ids of the
    event's checkout that no other session has, `may_ask` says whether the provider can still be
    asked for them. `about` is the payment, or else the checkout, of the fact whose turn it is,
    `stranger` why it is not the session's own. What only those outside want to know is written
    where it is `heard`.
    """

    tx: Transaction
    event: VerifiedEvent
    cause: Cause
    lifetimes: Lifetimes
    merchant_id: str
    refs: tuple[str, ...] = ()
    may_ask: bool = False
    about: str = ""
    stranger: Mismatch | None = None
    heard: Heard = nobody


class Applied(Struct, frozen=True):
    """The session as it now stands, and why the event went to review, if it did."""

    session: Session
    review: Mismatch | None = None


SessionStep: TypeAlias = Callable[[Applying, Session], Awaitable[Applied]]
"""What a fact does to the session that its event means."""


class Taken(Struct, frozen=True):
    """What the ledger made of a fact, and what is left of it.

    `step` is its session's. `payment` is the one that a refund or a dispute is of; where there is
    none yet, `missing` are the ids by which it is awaited: none where it was not even named.
    """

    step: SessionStep | None = None
    payment: Payment | None = None
    missing: tuple[str, ...] | None = None
