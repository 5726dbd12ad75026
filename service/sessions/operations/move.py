"""Move a session from one state to another: the one place where a status is written."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.outbox import operations as outbox
from service.outbox import repository as outbox_repository
from service.sessions import repository
from service.sessions.documents import DueSession, Session
from service.sessions.errors import IllegalMove
from service.sessions.states import ENDED, Lifetimes, Status, can_move
from service.storage.database import Row
from service.storage.transactions import Transaction

CLOSE_CHECKOUT = "provider.close_checkout"


class Why(Struct, frozen=True):
    """By whom a session is moved (a principal's label, a provider, `clock`), and for what."""

    by: str
    at: datetime
    event_id: str | None = None
    reason: str | None = None


async def move(
    tx: Transaction,
    session: Session,
    to: Status,
    why: Why,
    lifetimes: Lifetimes,
    changes: Row | None = None,
) -> Session:
    """Move a session in a transaction, with its history and its outbox messages.

    Raises `IllegalMove` where there is no such move, and `Busy` where somebody else was quicker.
    """
    if not can_move(session.status, to):
        raise IllegalMove(session.status, to)
    fields: Row = {
        "status": to.value,
        "updatedAt": why.at,
        "purgeAt": lifetimes.purge_at(to, why.at),
        **({"deletableAt": None} if session.deletable_at is not None else {}),
        **({"liveAttempts": [], "endedRef": None} if to in ENDED else {}),
        **(changes or {}),
    }
    update = {"$set": fields, "$push": {"history": line_of(session.status, to, why)}}
    moved = await repository.change(session, update, tx)
    await outbox_repository.add_once([told(moved, why), *closings(moved, why)], tx)
    return moved


def line_of(from_status: Status | None, to: Status, why: Why) -> Row:
    """Make the line that a move leaves in the session's history: a `HistoryEntry`, as stored."""
    return {
        "at": why.at,
        "from": from_status.value if from_status else None,
        "to": to.value,
        "by": why.by,
        "eventId": why.event_id,
        "reason": why.reason,
    }


def told(session: Session | DueSession, why: Why) -> Row:
    """Make the domain event of a session's present state, for those who wait for it."""
    payload: JsonObject = {
        "status": session.status.value,
        "kind": session.kind,
        "amount": session.amount,
        "currency": session.currency,
        "late": session.late,
        "reason": why.reason,
    }
    return outbox.message(
        f"session.{session.status.value}",
        f"{session.merchant_id}:{session.session_id}:{session.version}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload=payload,
        now=why.at,
    )


def closings(session: Session | DueSession, why: Why) -> list[Row]:
    """Make the messages that close what may stand open at the provider once a session has ended.

    A completed session closes the checkouts of its other attempts, so that they can't be paid too.
    """
    return [closing(session, ref, why.at) for ref in _open_refs(session, why)]


def closing(session: Session | DueSession, ref: str, now: datetime) -> Row:
    """Make the message that closes one checkout."""
    return outbox.message(
        CLOSE_CHECKOUT,
        f"{session.provider}:{ref}:{session.version}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload={"provider": session.provider, "ref": ref},
        now=now,
    )


def _open_refs(session: Session | DueSession, why: Why) -> list[str]:
    refs = [checkout.ref for checkout in session.checkouts]
    if session.status not in ENDED or session.provider == "upi" or not refs:
        return []
    if session.status is Status.COMPLETED:
        # Settled by hand, nobody paid in any of them yet.
        return refs if len(refs) > 1 or not why.event_id else []
    # A provider's own event that ended the session ended the checkout too.
    return [] if why.event_id else refs[-1:]
