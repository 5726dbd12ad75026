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
from service.sessions.errors import (
    CheckoutTaken,
    NotPayable,
    SessionExists,
    SessionNotFound,
)
from service.sessions.operations.attempt_id import attempt_id, with_checkout_ids
from service.sessions.operations.checkouts.standing import standing_checkout
from service.sessions.operations.move import Why, closing, closings, move
from service.sessions.operations.rules import Rules
from service.sessions.states import OPEN, Status, status_at
from service.storage.database import Row
from service.storage.transactions import (
    Duplicate,
    Transaction,
    answers_in_time,
    in_transaction,
)

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
        return OpenCheckout(session, standing.url, standing.ref, standing.qr_code)
    if status_at(session.status, session.expires_at, now) not in _PAYABLE:
        raise NotPayable(f"The session is {session.status}: it can't be paid any more.")
    locked, opening = await _lock(session, now, rules)
    request = _request(locked, opening, rules)
    try:
        opened = await provider.open_checkout(request)
        await _check_price(locked, opened, now)
    except ProviderFailed as error:
        await _unlock(locked, opening, error)
        raise
    linked = await _link(locked, opening, opened, rules, clock.now())
    return OpenCheckout(linked, opened.url, opened.ref, opened.qr_code, created=True)


async def _lock(session: Session, now: datetime, rules: Rules) -> tuple[Session, Opening]:
    """Take the right to open: a filtered update that one of many callers wins."""
    opening = session.opening
    if opening is not None and opening.locked_until > now:
        raise Busy("A checkout is being opened for this session.", retry_after=2)
    payable_until = session.expires_at
    retried = status_at(session.status, session.expires_at, now) is not Status.PENDING
    if retried:
        payable_until = now + rules.lifetimes.of(session.kind)
    opening = _next_opening(session, payable_until, now, rules)
    # From now on it may have reached the provider, for whoever finds it after a crash.
    kept = opening.model_copy(update={"repeated": True})
    fields: Row = {
        "opening": kept.model_dump(by_alias=True),
        "checkoutIds": with_checkout_ids(session, [opening.attempt_id]),
    }
    if retried:
        changes = fields | {"expiresAt": payable_until}
        return await _retry(session, changes, rules, now), opening
    change = {"$set": fields | {"updatedAt": now}}
    try:
        async with answers_in_time():
            return await repository.change(session, change), opening
    except Duplicate as error:
        raise CheckoutTaken(opening.attempt_id or session.session_id) from error


def _next_opening(
    session: Session, payable_until: datetime, now: datetime, rules: Rules
) -> Opening:
    """Return the attempt to make: the one whose fate is unknown, else a new one."""
    before = session.opening
    known = before is not None and before.repeated and before.attempt_id is not None
    if before is not None and known and before.provider_expires_at > now:
        return before.model_copy(update={"locked_until": now + LOCK})
    opened = max((checkout.n for checkout in session.checkouts), default=0)
    n = opened + 1
    if before is not None:  # one that is over by now can't be repeated: providers refuse its expiry
        n = before.n + 1 if before.repeated else before.n
    return Opening(
        n=n,
        attempt_id=attempt_id(session.merchant_id, session.session_id, n, rules.pepper),
        provider_expires_at=max(payable_until, now + SHORTEST_AT_PROVIDER),
        locked_until=now + LOCK,
    )


async def _retry(session: Session, changes: Row, rules: Rules, now: datetime) -> Session:
    """Put a failed or expired session back to pending before its new checkout is opened.

    Before and not after: a user's other open session forbids it, and then nothing must be opened.
    """

    async def work(tx: Transaction) -> Session:
        ended = session
        if ended.status is Status.PENDING:  # its time is over, and nobody has written it down yet
            ended = await move(tx, ended, Status.EXPIRED, Why("clock", now), rules.lifetimes)
        why = Why(session.provider, now, reason="retried with a new checkout")
        return await move(tx, ended, Status.PENDING, why, rules.lifetimes, changes)

    try:
        return await in_transaction(work)
    except Duplicate as error:
        raise SessionExists("The user has another open session for this plan.") from error


def _request(session: Session, opening: Opening, rules: Rules) -> CheckoutRequest:
    n, merchant_id, session_id = opening.n, session.merchant_id, session.session_id
    home = f"{rules.public_url}/shop/return?sessionId={session_id}"
    return CheckoutRequest(
        session_id=session_id,
        merchant_id=merchant_id,
        attempt_id=opening.attempt_id or attempt_id(merchant_id, session_id, n, rules.pepper),
        idempotency_key=f"tillgate:{merchant_id}:{session_id}:{n}",
        kind=session.kind,
        mode=session.mode,
        amount=session.amount,
        currency=session.currency,
        quantity=session.quantity,
        description=session.plan or session.pass_id or session.event_id or session_id,
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


async def _check_price(session: Session, opened: OpenedCheckout, now: datetime) -> None:
    """Refuse a checkout whose price is not ours, and close it: nobody must pay another one."""
    due = 0 if session.trial_days else session.amount
    if opened.amount is not None and (opened.amount, opened.currency) != (due, session.currency):
        async with answers_in_time():
            await outbox_repository.add_once([closing(session, opened.ref, now)], None)
        raise ProviderFailed(
            f"{session.provider} opened a checkout over {opened.amount} {opened.currency}, "
            f"{due} {session.currency} is due. It is not handed out."
        )


async def _unlock(session: Session, opening: Opening, error: ProviderFailed) -> None:
    """Let the next caller in: with the same attempt if its fate is unknown, else with the next."""
    following = {"n": opening.n + 1, "repeated": False} if error.definite else {"repeated": True}
    freed = opening.model_copy(update={**following, "locked_until": session.updated_at})
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
        qr_code=opened.qr_code,
        attempt_id=opening.attempt_id,
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
    fields: Row = {
        "opening": None,
        "attempts": session.attempts + 1,
        "checkoutIds": with_checkout_ids(session, [checkout.ref, checkout.attempt_id]),
        "updatedAt": now,
    }
    if session.status in OPEN:
        fields |= {"providerSessionId": checkout.ref, "checkoutUrl": checkout.url}
    push = {"$push": {"checkouts": checkout.model_dump(by_alias=True)}}
    linked = await repository.change(session, {"$set": fields, **push}, tx)
    if session.status not in OPEN:
        # It was ended or paid while the provider was opening: nobody may pay this one.
        why = Why(session.provider, now, reason="opened too late")
        await outbox_repository.add_once(closings(linked, why), tx)
    return linked
