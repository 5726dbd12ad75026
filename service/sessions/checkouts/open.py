"""Open a checkout at the provider for a session: one opener at a time, nothing opened twice.

First the lock is taken, then the older checkouts are closed, then the new one is opened, then it is
linked. Between any two of these steps the session may end in some other way, so each checks again.
"""

from msgspec import Struct

from service.catalog.operations.plans import PlanPrice, plan_price
from service.core.errors import ProviderFailed
from service.outbox import repository as outbox_repository
from service.providers.base import CheckoutScript, OpenedCheckout, Provider
from service.sessions.checkouts.close import close_now
from service.sessions.checkouts.link import link_checkout
from service.sessions.checkouts.lock import Locked, let_go, take_lock
from service.sessions.checkouts.request import request_of
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.errors import NotPayable
from service.sessions.operations.moving.current_checkout import standing_checkout
from service.sessions.operations.moving.giving_up import closing, to_be_closed
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.opening.pricing import Price
from service.sessions.states import Status, status_at
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

_PAYABLE = frozenset({Status.PENDING, Status.FAILED, Status.EXPIRED})


class OpenCheckout(Struct, frozen=True):
    """A session and its open checkout; no checkout if there was nothing to pay.

    `url` is where the customer goes next. Where there is none, `script` draws the checkout.
    """

    session: Session
    url: str | None
    ref: str | None
    qr_code: str | None = None
    script: CheckoutScript | None = None
    created: bool = False


async def open_checkout(
    session: Session, provider: Provider, services: CheckoutServices, by: Cause, price: Price | None
) -> OpenCheckout:
    """Open a checkout, or return the one that is open already.

    A failed or expired session is retried: `by` is who its history names, `price` the new price if
    that has changed. Raises `Busy` while another call opens one, `NotPayable` if the session has
    ended for good or ends meanwhile, `ProviderFailed` and `ProviderUnreachable`; after the latter
    the same call repeats the attempt.
    """
    now = by.at
    standing = standing_checkout(session, now)
    if standing is not None:
        return OpenCheckout(session, standing.url, standing.ref, standing.qr_code)
    status = status_at(session.status, session.expires_at, now)
    if status not in _PAYABLE:
        raise NotPayable(f"The session is {status}: it can't be paid any more.")
    _check_nothing_under_way(session, status)
    locked = await take_lock(session, services.rules, by, price)
    await _close_older(locked, services)
    return await open_locked(locked, provider, services)


def _check_nothing_under_way(session: Session, status: Status) -> None:
    """Refuse to retry a session whose money is on its way: it would be paid twice.

    Such a session is `processing`, unless another session of its user has taken its place: then it
    stays ended, even after that one has ended.
    """
    if status is not Status.PENDING and session.live_attempts:
        raise NotPayable("A payment of this session is under way; it can't be retried meanwhile.")


async def open_locked(
    locked: Locked, provider: Provider, services: CheckoutServices
) -> OpenCheckout:
    """Make the attempt under a held lock, and link what it opens. Raises as above."""
    plan = await _plan_of(locked.session)
    request = request_of(locked.session, locked.opening, services.rules, plan.ref)
    try:
        opened = await provider.open_checkout(request)
        await _check_price(locked.session, plan, opened, services)
    except ProviderFailed as error:
        # The next call repeats an attempt with an unknown outcome, else it takes a new number.
        opening, now = locked.opening, services.clock.now()
        following = {"n": opening.n + 1, "attempt_id": None} if error.definite else {}
        freed = {"repeated": not error.definite, "locked_until": now, **following}
        await let_go(locked, opening.model_copy(update=freed), now)
        raise
    linked = await link_checkout(locked, opened, services.clock.now())
    return OpenCheckout(linked, opened.url, opened.ref, opened.qr_code, created=True)


async def _close_older(locked: Locked, services: CheckoutServices) -> None:
    """Close what was opened before, so that it can't be paid as well as the new one.

    If one turns out to be paid, or has a payment under way, nothing is opened.
    """
    older = await to_be_closed(locked.session)
    if not older:
        return
    session = await close_now(locked.session, older, services)
    now = services.clock.now()
    status = status_at(session.status, session.expires_at, now)
    if status is not Status.PENDING:
        # Nothing was sent under this number: what was known about it before still holds.
        await let_go(locked, locked.opening.model_copy(update={"locked_until": now}), now)
        raise NotPayable(f"The session is {status}: it can't be paid any more.")


async def _plan_of(session: Session) -> PlanPrice:
    """Return by which price a subscription is opened; a single payment has none of a provider's."""
    if session.mode != "subscription" or session.plan is None:
        return PlanPrice()
    named = (session.merchant_id, session.plan, session.currency, session.provider)
    return await plan_price(*named)


async def _check_price(
    session: Session, plan: PlanPrice, opened: OpenedCheckout, services: CheckoutServices
) -> None:
    """Refuse a checkout whose price is not ours, and close it: nobody may pay another price."""
    wrong = _other_amount(session, opened) or _other_interval(plan, opened)
    if wrong is not None:
        async with answers_in_time():
            message = closing(session, opened.ref, services.clock.now())
            await outbox_repository.add_once([message], NO_TRANSACTION)
        raise ProviderFailed(f"{session.provider} opened a checkout {wrong}. It is not handed out.")


def _other_amount(session: Session, opened: OpenedCheckout) -> str | None:
    due = 0 if session.trial_days else session.amount
    if opened.amount is None or (opened.amount, opened.currency) == (due, session.currency):
        return None
    return f"over {opened.amount} {opened.currency}, {due} {session.currency} was asked for"


def _other_interval(plan: PlanPrice, opened: OpenedCheckout) -> str | None:
    other = plan.other_interval(opened.interval, opened.interval_count)
    return other and f"that is {other}"
