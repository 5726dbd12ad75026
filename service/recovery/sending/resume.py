"""Go on with a session that was left: what it costs today, and its checkout."""

from enum import StrEnum

from msgspec import Struct

from service.core.errors import InvalidInput
from service.core.principal import Kind, Principal
from service.merchants.errors import MerchantSuspended
from service.recovery import repository
from service.recovery.documents import Recovery
from service.recovery.operations.links import Link
from service.recovery.operations.looking import look
from service.recovery.operations.services import RecoveryServices
from service.sessions import repository as sessions
from service.sessions.checkouts.begin import resume_checkout
from service.sessions.checkouts.open import OpenCheckout
from service.sessions.documents import Session
from service.sessions.errors import NotPayable
from service.sessions.operations.caller import Caller
from service.sessions.operations.opening.requote import requote
from service.sessions.states import Status, status_at
from service.storage.answering import answers_in_time

ACTS_AS = "recovery"


class Standing(StrEnum):
    """What somebody who follows a link finds."""

    PAYABLE = "payable"
    CHANGED = "changed"
    PAID = "paid"
    UNDER_WAY = "under_way"
    ANEW = "anew"
    OVER = "over"
    GONE = "gone"


PAYABLE = frozenset({Standing.PAYABLE, Standing.CHANGED})


class Offer(Struct, frozen=True):
    """What a link leads to. `amount` is today's, in minor units of the session's currency."""

    standing: Standing
    session: Session | None = None
    amount: int = 0


async def offer(link: Link, client: str | None, services: RecoveryServices) -> Offer:
    """Return what a link leads to; nothing is written. Raises `Unavailable`."""
    async with answers_in_time():
        session = await sessions.find(link.merchant_id, link.session_id)
        recovery = await repository.find(link.merchant_id, link.session_id)
    if session is None or recovery is None or not recovery.is_of(session.created_at):
        return Offer(Standing.GONE)
    if (ended := await _ended(session, recovery, services)) is not None:
        return Offer(ended, session)
    caller = _caller(session, client)
    try:
        await services.merchants.admit(caller.principal)
        price = await requote(session, None, caller, services.checkouts.rules, services.clock.now())
    except (InvalidInput, MerchantSuspended):
        return Offer(Standing.OVER, session)
    except NotPayable:
        return Offer(Standing.UNDER_WAY, session)
    if price is not None and price.amount != session.amount:
        return Offer(Standing.CHANGED, session, price.amount)
    return Offer(Standing.PAYABLE, session, session.amount)


async def resume(
    found: Offer, client: str | None, services: RecoveryServices
) -> OpenCheckout | None:
    """Open the checkout of what a link leads to, or return the one that stands open.

    None where the link leads to nothing that can be paid. Raises what opening a checkout raises.
    """
    session = found.session
    if session is None or found.standing not in PAYABLE:
        return None
    opened = await resume_checkout(session.session_id, _caller(session, client), services.checkouts)
    async with answers_in_time():
        await repository.note_resumed(session.merchant_id, session.session_id, services.clock.now())
    return opened


async def _ended(
    session: Session, recovery: Recovery, services: RecoveryServices
) -> Standing | None:
    """Return why nothing can be paid, None where something can."""
    async with answers_in_time():
        seen = await look(recovery, services)
    if seen.now.paid:
        return Standing.PAID
    # Money in review may be this session's: who pays again meanwhile has paid twice.
    if seen.now.under_way or session.review is not None:
        return Standing.UNDER_WAY
    now = services.clock.now()
    status = status_at(session.status, session.expires_at, now)
    if status not in {Status.PENDING, Status.EXPIRED, Status.FAILED}:
        return Standing.OVER
    return Standing.ANEW if seen.begun_anew else None


def _caller(session: Session, client: str | None) -> Caller:
    """Return who acts by a link: the session's own customer, who may open its checkout."""
    principal = Principal(
        Kind.USER,
        session.merchant_id,
        key_id=ACTS_AS,
        name=ACTS_AS,
        user_id=session.user_id,
        client=client,
    )
    return Caller(principal)
