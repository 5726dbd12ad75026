"""Find the session that already exists for a request, and check it against that request."""

from datetime import datetime

from msgspec import Struct

from service.catalog.errors import ItemHasNoPrice
from service.core.errors import InvalidInput
from service.core.principal import Kind
from service.sessions import repository
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import CheckoutTaken, OpenSessionDiffers, SessionExists
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import find_proven_checkout
from service.sessions.operations.moving.expire import expire_if_due
from service.sessions.operations.opening.adopt_checkout import adopt_checkout
from service.sessions.operations.opening.build_session import named_id
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.opening.pricing import named_amount
from service.sessions.operations.rules import Rules
from service.sessions.states import OPEN, status_at
from service.storage.answering import answers_in_time


class _At(Struct, frozen=True):
    """The rules and the time of a request, and the session that it would create now."""

    rules: Rules
    now: datetime
    built: SessionRow | None = None


async def find_existing(
    built: SessionRow, new: NewSession, caller: Caller, rules: Rules, now: datetime
) -> Session | None:
    """Return the session that blocked an insert, None if it no longer does.

    Raises `SessionExists` if the caller may not continue it, `OpenSessionDiffers`, and
    `CheckoutTaken` if the named checkout belongs to another session.
    """
    async with answers_in_time():
        merchant_id = caller.principal.merchant_id
        found = await repository.find(merchant_id, built.session_id)
        if found is not None:
            return _same(found, new, caller, _At(rules, now, built))
        if caller.principal.kind is Kind.PUBLISHABLE:
            return None  # only the id can have blocked it, and its session is gone
        found = await repository.find_open_checkout(
            merchant_id, new.user_id, new.plan, new.provider
        )
        ref = new.provider_session_id
        anothers = ref is not None and (found is None or ref not in found.checkout_ids)
        if ref and anothers and await repository.checkout_is_taken(new.provider, ref):
            raise CheckoutTaken(ref)
    if found is None or await expire_if_due(found, rules.lifetimes, now):
        return None
    check_price(found, built, new, caller)
    return await adopt_checkout(found, new.provider_session_id, now)


def check_price(found: Session, built: SessionRow, new: NewSession, caller: Caller) -> None:
    """Refuse to continue at a price other than the one a server named or a page was quoted."""
    named = (caller.trusted and new.names_amount) or new.quote_id is not None
    if named:
        _check_same_price(found, built)


def _check_same_price(found: Session, built: SessionRow) -> None:
    if (found.amount, found.currency) != built.price:
        raise _open_at_another(found)


def _check_price_named(found: Session, amount: int | None) -> None:
    if amount is not None and amount != found.amount:
        raise _open_at_another(found)


def _open_at_another(found: Session) -> OpenSessionDiffers:
    return OpenSessionDiffers(
        f"Session {found.session_id} is open at {found.amount} {found.currency}; "
        "cancel it first, or leave the amount out."
    )


async def find_earlier(
    new: NewSession, caller: Caller, error: InvalidInput, rules: Rules, now: datetime
) -> Session | None:
    """Return the session that an earlier call created, if a new one can't be built."""
    merchant_id, session_id = caller.principal.merchant_id, named_id(new, caller)
    async with answers_in_time():
        if session_id is not None:
            found = await repository.find(merchant_id, session_id)
            if found is not None and new.is_request_of(found):
                return _same(found, new, caller, _At(rules, now))
        asks_for_open_one = isinstance(error, ItemHasNoPrice) and not new.names_amount
        if new.kind != "checkout" or not asks_for_open_one:
            return None
        if caller.principal.kind is Kind.PUBLISHABLE:
            return await find_proven(new, caller, now)
        found = await repository.find_open_checkout(
            merchant_id, new.user_id, new.plan, new.provider
        )
    if found is None or not _is_open(found, now):
        return None
    return await adopt_checkout(found, new.provider_session_id, now)


async def find_proven(new: NewSession, caller: Caller, now: datetime) -> Session | None:
    """Return the open session that a browser asks for, proven by its client secret."""
    if caller.principal.kind is not Kind.PUBLISHABLE or new.session_id is not None:
        return None
    found = await find_proven_checkout(new.user_id, caller) if new.kind == "checkout" else None
    if found is None or (found.plan, found.provider) != (new.plan, new.provider):
        return None
    return found if _is_open(found, now) else None


def _is_open(session: Session, now: datetime) -> bool:
    return status_at(session.status, session.expires_at, now) in OPEN


def _same(found: Session, new: NewSession, caller: Caller, at: _At) -> Session:
    """Return the session with this id if the same request created it, or a browser asks again.

    A page may have been quoted again since. Its session continues if it is open at that price, and
    a retried one gets that price. Raises `SessionExists`, and `OpenSessionDiffers` for another
    price, also if the session was retried meanwhile at a price that its request did not name.
    """
    # An id made from an idempotency key proves the caller: nobody else can derive it.
    proven = new.session_id is None or caller.may_adopt(found)
    stands = _is_open(found, at.now)
    if proven and new.is_request_of(found):
        if stands:
            _check_price_named(found, named_amount(new, found, at.rules))
        return found
    if at.built is None or not proven or caller.trusted or not new.asks_for(found):
        raise SessionExists(f"The session id {found.session_id!r} is taken.")
    if stands:
        _check_same_price(found, at.built)
    return found
