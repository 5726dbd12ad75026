"""Move a session from one state to another: the only place that writes a status."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.outbox import repository as outbox_repository
from service.outbox.operations import messages as outbox
from service.sessions import repository
from service.sessions.documents import DueSession, HistoryEntry, Session
from service.sessions.errors import IllegalMove
from service.sessions.operations.moving.giving_up import closings, given_up, this_version
from service.sessions.states import ENDED, FINAL, Lifetimes, Status, can_move
from service.storage.database import Row
from service.storage.transaction import Transaction


class Cause(Struct, frozen=True):
    """Who moves a session (a principal's label, a provider, `clock`), and for what reason.

    `named` holds the provider's ids that the event is about.
    """

    by: str
    at: datetime
    event_id: str | None = None
    reason: str | None = None
    named: tuple[str, ...] = ()


class Acting(Protocol):
    """Whatever moves a session in a transaction: an event being applied, or a person's decision."""

    @property
    def tx(self) -> Transaction:
        """Return the transaction."""
        ...

    @property
    def cause(self) -> Cause:
        """Return who moves it, when, and for what reason."""
        ...

    @property
    def lifetimes(self) -> Lifetimes:
        """Return how long sessions live and are kept."""
        ...


class Moving(Struct, frozen=True):
    """What moves a session where no event is applied."""

    tx: Transaction
    cause: Cause
    lifetimes: Lifetimes


async def move(
    tx: Transaction,
    session: Session,
    to: Status,
    cause: Cause,
    lifetimes: Lifetimes,
    changes: Row | None = None,
) -> Session:
    """Move a session in a transaction, with its history and its outbox messages.

    Raises `IllegalMove` if there is no such move, and `Busy` if another call was faster.
    """
    if not can_move(session.status, to):
        raise IllegalMove(session.status, to)
    fields: Row = {
        "status": to.value,
        "updatedAt": cause.at,
        "purgeAt": lifetimes.purge_at(to, cause.at),
        **({"deletableAt": None} if session.deletable_at is not None else {}),
        **_given_up(session, to, cause),
        **({"liveAttempts": [], "capturing": None} if to in ENDED else {}),
        **({"checkoutEnded": None} if to in FINAL else {}),
        **(changes or {}),
    }
    update = {"$set": fields, "$push": {"history": history_entry(session.status, to, cause)}}
    moved = await repository.change(session, update, tx)
    messages = [domain_event(moved, cause)]
    if (session.checkouts or session.opening) and _closes(session.status, to):
        # As they were before: what this move gives up is what must be closed.
        before = moved
        if "checkouts" in fields:
            before = moved.model_copy(update={"checkouts": session.checkouts})
        messages += closings(before, cause.named, cause.at)
    await outbox_repository.add_once(messages, tx)
    return moved


def _closes(status: Status, to: Status) -> bool:
    """Return whether nothing may be paid after a move: an end, or a retry."""
    return to in ENDED or (status in ENDED and to is Status.PENDING)


def _given_up(session: Session, to: Status, cause: Cause) -> Row:
    """Give up what may no longer be handed out; what a provider's event ends needs no mark.

    Nor do checkouts other than the current one: in whatever order events arrive, the documents
    must end up equal.
    """
    if to is Status.COMPLETED or cause.event_id or not _closes(session.status, to):
        return {}
    if all(checkout.closed_at is not None for checkout in session.checkouts):
        return {}
    return {"checkouts": given_up(session.checkouts, cause.at), "checkoutUrl": None}


def history_entry(from_status: Status | None, to: Status, cause: Cause) -> Row:
    """Return the entry of a move in the session's history, as it is stored."""
    before = from_status.value if from_status else None
    return HistoryEntry.new_row({"from": before, "to": to.value}, cause)


def domain_event(session: Session | DueSession, cause: Cause) -> Row:
    """Make the domain event of a session's new state, for its subscribers."""
    payload: JsonObject = {
        "status": session.status.value,
        "kind": session.kind,
        "amount": session.amount,
        "currency": session.currency,
        "late": session.late,
        "reason": cause.reason,
    }
    return outbox.message(
        f"session.{session.status.value}",
        f"{session.merchant_id}:{this_version(session)}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload=payload,
        now=cause.at,
    )
