"""Give checkouts up: they are marked in one update with the messages that close them.

The mark comes first and the provider's answer later, so whatever fails in between, a checkout that
is being closed is never handed out, and its end, which we caused, ends no session.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.core.strict_json import JsonObject
from service.outbox import repository as outbox_repository
from service.outbox.operations import messages as outbox
from service.outbox.repository import About
from service.providers.registry import REGISTRY
from service.sessions import repository
from service.sessions.documents import Checkout, DueSession, Session
from service.sessions.states import ENDED, Status
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.transaction import Transaction

CLOSE_CHECKOUT = "provider.close_checkout"
CLOSE_ATTEMPT = "provider.close_attempt"

# Whoever gives up while a caller waits closes at once; the outbox comes after that.
HEAD_START = timedelta(seconds=10)


async def give_up(tx: Transaction, session: Session, now: datetime) -> Session:
    """Give up all checkouts of a session, before the caller closes them at once.

    Raises `Busy` if another call was faster.
    """
    if all(checkout.closed_at is not None for checkout in session.checkouts):
        if not any(_held_out(session, checkout) for checkout in session.checkouts):
            return session
    later = {"heldUntil": now + HEAD_START}
    messages = [closing(session, one.ref, now) | later for one in may_be_open(session)]
    fields = {"checkouts": given_up(session.checkouts, now), "checkoutUrl": None, "updatedAt": now}
    changed = await repository.change(session, {"$set": fields}, tx)
    await outbox_repository.add_once(messages, tx)
    return changed


async def to_be_closed(session: Session) -> list[str]:
    """Return the checkouts that were given up, now or earlier, and are not closed yet."""
    if not session.checkouts:
        return []
    async with answers_in_time():
        about = About(CLOSE_CHECKOUT, session.merchant_id, session.session_id)
        found = await outbox_repository.waiting(about)
    return sorted({str(message.payload["ref"]) for message in found})


def given_up(checkouts: Sequence[Checkout], now: datetime) -> list[Row]:
    """Return checkouts as they are stored, all of them marked as given up."""
    rows = [checkout.model_dump(by_alias=True) for checkout in checkouts]
    return [row | {"closedAt": row["closedAt"] or now} for row in rows]


def may_be_open(session: Session | DueSession, named: Sequence[str] = ()) -> list[Checkout]:
    """Return the checkouts that may still be payable and that nothing is closing yet.

    `named` holds the ids in the event that ends the session: these are over. An attempt id counts
    only if it is not the session id, which appears on payments of every attempt. One that was given
    up while money was under way in it counts again once that has failed: its provider would not
    close it then.
    """
    if REGISTRY[session.provider].traits.manual:
        return []
    return [
        checkout
        for checkout in session.checkouts
        if (checkout.closed_at is None or _held_out(session, checkout))
        and checkout.ended is None
        and checkout.ref not in named
        and (checkout.attempt_id not in named or checkout.attempt_id == session.session_id)
    ]


def _held_out(session: Session | DueSession, checkout: Checkout) -> bool:
    """Return whether money that was under way has failed since a checkout was given up.

    An expiry reads no history: what it ends is over at the provider by its own time.
    """
    given_up_at = checkout.closed_at
    if given_up_at is None or isinstance(session, DueSession):
        return False
    return any(
        move.from_status is Status.PROCESSING
        and move.to is Status.PENDING
        and move.at >= given_up_at
        for move in session.history
    )


def closing(session: Session | DueSession, ref: str, now: datetime) -> Row:
    """Make the message that closes one checkout."""
    return _closing(CLOSE_CHECKOUT, session, f"{session.provider}:{ref}", {"ref": ref}, now)


def _closing(
    topic: str, session: Session | DueSession, key: str, about: JsonObject, now: datetime
) -> Row:
    return outbox.message(
        topic,
        f"{key}:{this_version(session)}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload={"provider": session.provider, **about},
        now=now,
    )


def closings(session: Session | DueSession, named: Sequence[str], now: datetime) -> list[Row]:
    """Make the messages that close whatever may be open for a session that has ended.

    Including an attempt that may or may not have reached the provider.
    """
    messages = [closing(session, one.ref, now) for one in may_be_open(session, named)]
    opening = session.opening
    unknown = opening is not None and opening.repeated
    if opening is not None and unknown and session.status in ENDED and _closes(session):
        n = opening.n
        messages.append(_closing(CLOSE_ATTEMPT, session, f"{n}", {"n": n}, now))
    return messages


def this_version(session: Session | DueSession) -> str:
    """Return the name of this version of the session, for the keys of its messages.

    Its `sessionId` may be reused once it is purged, which happens before its messages are.
    """
    return f"{session.id}:{session.version}"


def _closes(session: Session | DueSession) -> bool:
    """Return whether the provider can close what it opened for this session."""
    return session.kind in REGISTRY[session.provider].traits.closes
