"""Open a checkout at the provider for a session: one opener at a time, nothing opened twice."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.core.clock import Clock
from service.core.errors import Busy, ProviderFailed
from service.outbox import repository as outbox_repository
from service.providers.base import CheckoutRequest, OpenedCheckout, Provider
from service.sessions import repository
from service.sessions.documents import Checkout, Opening, Session
from service.sessions.errors import NotPayable, SessionNotFound
from service.sessions.operations.move import Why, closings, move
from service.sessions.operations.rules import Rules
from service.sessions.states import Status, status_at
from service.storage.database import Row
from service.storage.transactions import Transaction, answers_in_time, in_transaction

# Stripe takes no expiry under 30 minutes from its own now; a minute for the way.
SHORTEST_AT_PROVIDER = timedelta(minutes=31)
LOCK = timedelta(seconds=30)
_PAYABLE = frozenset({Status.PENDING, Status.FAILED, Status.EXPIRED})


@dataclass(frozen=True, slots=True)
class OpenCheckout:
    """A session and the checkout that now stands open for it."""

    session: Session
    url: str | None
    ref: str
    qr_code: str | None = None
    created: bool = False


async def open_checkout(
    session: Session, provider: Provider, rules: Rules, clock: Clock
) -> OpenCheckout:
    """Open a checkout, or give the one that is open already.

    Raises `Busy` while another call opens one, `NotPayable` where the session has ended for good,
    `ProviderFailed` and `ProviderUnreachable`; after the latter the same call repeats the attempt.
    """
    now = clock.now()
    standing = standing_checkout(session, now)
    if standing is not None:
        return OpenCheckout(session, standing.url, standing.ref)
    if status_at(session.status, session.expires_at, now) not in _PAYABLE:
        raise NotPayable(f"The session is {session.status}: it can't be paid any more.")
    locked = await _lock(session, now, rules)
    opening = _opening(locked)
    request = _request(locked, opening, rules)
    try:
        opened = await provider.open_checkout(request)
        _check_price(locked, opened)
    except ProviderFailed as error:
        await _unlock(locked, opening, error)
        raise
    linked = await _link(locked, opening, opened, rules, clock.now())
    return OpenCheckout(linked, opened.url, opened.ref, opened.qr_code, created=True)


def standing_checkout(session: Session, now: datetime) -> Checkout | None:
    """Give the session's checkout that can be paid now, if there is one."""
    if status_at(session.status, session.expires_at, now) is not Status.PENDING:
        return None
    last = session.checkouts[-1] if session.checkouts else None
    if last is None or last.n == 0 or (last.expires_at and last.expires_at <= now):
        return None
    return last


async def _lock(session: Session, now: datetime, rules: Rules) -> Session:
    """Take the right to open: a filtered update that one of many callers wins."""
    opening = session.opening
    if opening is not None and opening.locked_until > now:
        raise Busy("A checkout is being opened for this session.", retry_after=2)
    payable_until = session.expires_at
    if status_at(session.status, session.expires_at, now) is not Status.PENDING:
        payable_until = now + rules.lifetimes.of(session.kind)
    if opening is None:
        provider_expires_at = max(payable_until, now + SHORTEST_AT_PROVIDER)
        n = max((checkout.n for checkout in session.checkouts), default=0) + 1
        opening = Opening(n=n, provider_expires_at=provider_expires_at, locked_until=now + LOCK)
    else:  # it timed out: whether the provider acted is unknown, so the same attempt is repeated
        opening = opening.model_copy(update={"locked_until": now + LOCK, "repeated": True})
    change = {"$set": {"opening": opening.model_dump(by_alias=True), "updatedAt": now}}
    async with answers_in_time():
        return await repository.change(session, change)


def _opening(locked: Session) -> Opening:
    if locked.opening is None:
        raise SessionNotFound(locked.session_id)
    return locked.opening


def _request(session: Session, opening: Opening, rules: Rules) -> CheckoutRequest:
    n = opening.n
    attempt_id = session.session_id if n == 1 else f"{session.session_id[:36]}-{n}"
    home = f"{rules.public_url}/shop/return?sessionId={session.session_id}"
    return CheckoutRequest(
        session_id=session.session_id,
        merchant_id=session.merchant_id,
        attempt_id=attempt_id,
        idempotency_key=f"tillgate:{session.merchant_id}:{session.session_id}:{n}",
        kind=session.kind,
        mode=session.mode,
        amount=session.amount,
        currency=session.currency,
        quantity=session.quantity,
        description=session.plan or session.pass_id or session.event_id or session.session_id,
        expires_at=opening.provider_expires_at,
        success_url=session.success_url or home,
        cancel_url=session.cancel_url or home,
        plan=session.plan,
        user_id=session.user_id,
        email=session.email,
        customer_id=session.provider_customer_id,
        trial_days=session.trial_days,
        repeated=opening.repeated,
    )


def _check_price(session: Session, opened: OpenedCheckout) -> None:
    """Refuse a checkout whose price is not ours: customers must never pay another one."""
    due = 0 if session.trial_days else session.amount
    if opened.amount is not None and (opened.amount, opened.currency) != (due, session.currency):
        raise ProviderFailed(
            f"{session.provider} opened a checkout over {opened.amount} {opened.currency}, "
            f"{due} {session.currency} is due. It is not handed out."
        )


async def _unlock(session: Session, opening: Opening, error: ProviderFailed) -> None:
    """Let the next caller in: with the same attempt if its fate is unknown, else with the next."""
    if error.definite:
        opening = opening.model_copy(update={"n": opening.n + 1, "repeated": False})
    freed = opening.model_copy(update={"locked_until": session.updated_at})
    change = {"$set": {"opening": freed.model_dump(by_alias=True)}}
    with suppress(Busy):  # somebody changed the session: the lock runs out by itself
        async with answers_in_time():
            await repository.change(session, change)


async def _link(
    locked: Session, opening: Opening, opened: OpenedCheckout, rules: Rules, now: datetime
) -> Session:
    """Tie the checkout to the session, whatever became of the session in the meantime."""
    checkout = Checkout(
        ref=opened.ref,
        n=opening.n,
        opened_at=now,
        expires_at=opened.expires_at or opening.provider_expires_at,
        url=opened.url,
    )

    async def work(tx: Transaction) -> Session:
        session = await repository.find(locked.merchant_id, locked.session_id, tx)
        if session is None:
            raise SessionNotFound(locked.session_id)
        return await _linked(tx, session, checkout, rules, now)

    return await in_transaction(work)


async def _linked(
    tx: Transaction, session: Session, checkout: Checkout, rules: Rules, now: datetime
) -> Session:
    if any(known.ref == checkout.ref for known in session.checkouts):
        known_already: Row = {"opening": None, "updatedAt": now}
        return await repository.change(session, {"$set": known_already}, tx)
    fields: Row = {"opening": None, "attempts": session.attempts + 1, "updatedAt": now}
    standing = status_at(session.status, session.expires_at, now)
    if standing in _PAYABLE:
        fields |= {"providerSessionId": checkout.ref, "checkoutUrl": checkout.url}
    push = {"$push": {"checkouts": checkout.model_dump(by_alias=True)}}
    linked = await repository.change(session, {"$set": fields, **push}, tx)
    why = Why(session.provider, now, reason="a new checkout was opened")
    if standing in {Status.FAILED, Status.EXPIRED}:
        if linked.status is Status.PENDING:  # expired by the clock alone
            linked = await move(tx, linked, Status.EXPIRED, Why("clock", now), rules.lifetimes)
        until = now + rules.lifetimes.of(session.kind)
        linked = await move(tx, linked, Status.PENDING, why, rules.lifetimes, {"expiresAt": until})
    elif standing not in {Status.PENDING, Status.PROCESSING}:
        # It was canceled or paid while the provider was opening: nobody may pay this one.
        await outbox_repository.add_once(closings(linked, why), tx)
    return linked
