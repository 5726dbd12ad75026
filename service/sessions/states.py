"""The session's states, the moves between them, and the effect of time. Pure."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct


class Status(StrEnum):
    """Where a session stands; the values are those on the wire."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"


OPEN = frozenset({Status.PENDING, Status.PROCESSING})
ENDED = frozenset(Status) - OPEN
MOVED = frozenset(Status) - {Status.PENDING}

# completed is terminal: refunds live in the ledger. A completion of an ended session is a late one.
MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset(
        {Status.PROCESSING, Status.COMPLETED, Status.FAILED, Status.EXPIRED, Status.CANCELED}
    ),
    Status.PROCESSING: frozenset({Status.PENDING, Status.COMPLETED, Status.FAILED, Status.EXPIRED}),
    Status.FAILED: frozenset({Status.PENDING, Status.PROCESSING, Status.COMPLETED}),
    Status.EXPIRED: frozenset({Status.PENDING, Status.PROCESSING, Status.COMPLETED, Status.FAILED}),
    Status.CANCELED: frozenset({Status.COMPLETED}),
    Status.COMPLETED: frozenset(),
}

# Moves that only a provider's report makes: money is on its way after all, an end was a failure.
_BY_FACTS: Mapping[Status, frozenset[Status]] = {
    Status.FAILED: frozenset({Status.PROCESSING}),
    Status.EXPIRED: frozenset({Status.PROCESSING, Status.FAILED}),
}
BY_HAND: Mapping[Status, frozenset[Status]] = {
    status: moves - _BY_FACTS.get(status, frozenset()) for status, moves in MOVES.items()
}

# Only money moves these; in all other states, the facts decide.
FINAL = frozenset({Status.COMPLETED, Status.CANCELED})


class Lifetimes(Struct, frozen=True):
    """How long sessions live, and how long they are kept after their end; None is for ever."""

    payment: timedelta
    checkout: timedelta
    purge_ended: timedelta
    purge_completed: timedelta | None

    def of(self, kind: str) -> timedelta:
        """Return the lifetime of a kind of session."""
        return self.payment if kind == "payment" else self.checkout

    def purge_at(self, status: Status, ended_at: datetime) -> datetime | None:
        """Return when a session that entered `status` may be deleted."""
        if status not in ENDED:
            return None
        if status is not Status.COMPLETED:
            return ended_at + self.purge_ended
        return ended_at + self.purge_completed if self.purge_completed is not None else None


def can_move(status: Status, to: Status) -> bool:
    """Return whether the move exists at all; who may make it is another question."""
    return to in MOVES[status]


def standing(*, live: bool, ended: str | None, otherwise: Status) -> Status:
    """Return the state that the facts give a session that is neither completed nor canceled.

    `live`: one of its payments is under way or held. `ended`: the most final end reported for its
    current checkout, `failed` or `expired`. `otherwise`: its state if neither is known.
    The order in which the facts became known does not matter.
    """
    if live:
        return Status.PROCESSING
    return Status(ended) if ended is not None else otherwise


def is_more_final(word: str, than: str | None) -> bool:
    """Return whether one reported end of a checkout outweighs another: `failed` does `expired`."""
    return than is None or (word == Status.FAILED and than == Status.EXPIRED)


def status_at(status: Status, expires_at: datetime, now: datetime) -> Status:
    """Return the state that a reader sees: a pending session past its time is expired at once."""
    return Status.EXPIRED if status is Status.PENDING and expires_at <= now else status


def is_late(status: Status, expires_at: datetime, now: datetime) -> bool:
    """Return whether a completion now comes after the session's end."""
    return status_at(status, expires_at, now) in ENDED


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
