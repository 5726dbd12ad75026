"""The lock on opening: its holder may call the provider, and older checkouts are given up."""

from datetime import datetime, timedelta

from msgspec import Struct

from service.core.errors import Busy
from service.sessions import repository
from service.sessions.documents import Opening, Session
from service.sessions.errors import CheckoutTaken, SessionExists
from service.sessions.operations.moving.giving_up import give_up
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.opening.attempt_id import attempt_id, with_checkout_ids
from service.sessions.operations.opening.pricing import Price
from service.sessions.operations.opening.retry import retry_session
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at
from service.storage.answering import Duplicate, answers_in_time
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction

# Stripe refuses an expiry less than 30 minutes ahead by its own clock; one minute for the call.
SHORTEST_AT_PROVIDER = timedelta(minutes=31)
LOCK = timedelta(seconds=30)


class Locked(Struct, frozen=True):
    """A session whose lock we hold, and the attempt to make."""

    session: Session
    opening: Opening


async def take_lock(session: Session, rules: Rules, by: Cause, price: Price | None) -> Locked:
    """Take the lock on opening: one filtered update, which only one of many callers wins.

    In the same transaction a failed or expired session goes back to pending, at `price` if that has
    changed, and all of its older checkouts are given up. Raises `Busy` while another call holds the
    lock, and `SessionExists` where the user has another open session, `CheckoutTaken` where another
    session has the attempt's id: nothing has been closed or opened then.
    """
    before, now = session.opening, by.at
    if before is not None and before.locked_until > now:
        raise Busy("A checkout is being opened for this session.", retry_after=2)
    retried = status_at(session.status, session.expires_at, now) is not Status.PENDING
    payable_until = now + rules.lifetimes.of(session.kind) if retried else session.expires_at
    opening = _next_opening(session, payable_until, now, rules, repeats=price is None)

    async def work(tx: Transaction) -> Locked:
        locked = await give_up(tx, session, now)
        fields = _fields(locked, opening)
        if retried:
            # Before anything is opened: another open session of the user rules it out.
            changes = fields | {"expiresAt": payable_until}
            locked = await retry_session(tx, locked, price, changes, rules, by)
        else:
            locked = await repository.change(locked, {"$set": fields | {"updatedAt": now}}, tx)
        return Locked(locked, opening)

    try:
        if retried or session.checkouts:
            return await in_transaction(work)
        async with answers_in_time():  # nothing else to write: one update is enough
            return await work(NO_TRANSACTION)
    except Duplicate as error:
        if not retried:
            raise CheckoutTaken(opening.attempt_id or session.session_id) from error
        raise SessionExists("The user has another open session for this plan.") from error


async def let_go(locked: Locked, following: Opening | None, now: datetime) -> None:
    """Release the lock, unless another call holds it by now; `following` is what the next finds."""

    async def work(tx: Transaction) -> None:
        ours = locked.session
        session = await repository.find_within(tx, ours.merchant_id, ours.session_id)
        if session is None or session.opening is None or session.opening != ours.opening:
            return
        stored = following.model_dump(by_alias=True) if following is not None else None
        await repository.change(session, {"$set": {"opening": stored, "updatedAt": now}}, tx)

    await in_transaction(work)


def _next_opening(
    session: Session, payable_until: datetime, now: datetime, rules: Rules, *, repeats: bool
) -> Opening:
    """Return the attempt to make: the one with an unknown outcome, else a new one.

    Without `repeats` it is a new one: what the older attempt may have opened has another price.
    """
    before = session.opening
    known = before is not None and before.repeated and before.attempt_id is not None
    if before is not None and known and repeats and before.provider_expires_at > now:
        return before.model_copy(update={"locked_until": now + LOCK})
    n = max((checkout.n for checkout in session.checkouts), default=0) + 1
    if before is not None:  # an expired attempt can't be repeated: providers refuse its expiry
        n = max(n, before.n + 1 if before.repeated else before.n)
    return Opening(
        n=n,
        attempt_id=attempt_id(session, n, rules.pepper),
        provider_expires_at=max(payable_until, now + SHORTEST_AT_PROVIDER),
        locked_until=now + LOCK,
    )


def _fields(session: Session, opening: Opening) -> Row:
    # From now on it may have reached the provider, for whoever finds it after a crash.
    kept = opening.model_copy(update={"repeated": True})
    return {
        "opening": kept.model_dump(by_alias=True),
        "checkoutIds": with_checkout_ids(session, [opening.attempt_id]),
    }
