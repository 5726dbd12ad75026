"""Open a session: create it, or find the one that the same request made before."""

from datetime import datetime
from typing import NamedTuple

from msgspec import Struct

from service.catalog.errors import ItemHasNoPrice
from service.core.errors import InvalidInput, Unavailable
from service.core.ids import looks_like_a_providers
from service.core.principal import Kind
from service.sessions import repository
from service.sessions.documents import Session, SessionRow
from service.sessions.errors import (
    ChangeNotAllowed,
    CheckoutTaken,
    OpenSessionDiffers,
    SessionExists,
    wrong_field,
)
from service.sessions.operations.adopt_checkout import adopt_checkout
from service.sessions.operations.build_session import build_session, named_id
from service.sessions.operations.caller import Caller
from service.sessions.operations.expire import expire_if_due
from service.sessions.operations.find_session import find_proven_checkout
from service.sessions.operations.new_session import NewSession
from service.sessions.operations.pricing import named_amount
from service.sessions.operations.rules import Rules
from service.sessions.states import OPEN, status_at
from service.storage.transactions import Duplicate, answers_in_time

# A session that stands in the way may end before it is read. More often than this is no race.
_TRIES = 5


class Opened(Struct, frozen=True):
    """A session, its secret if the caller may have it, and whether this call made it."""

    session: Session | SessionRow
    client_secret: str | None
    created: bool


class _At(NamedTuple):
    """By which rules and when a session is asked for, and as what it would be opened now."""

    rules: Rules
    now: datetime
    built: SessionRow | None = None


async def open_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Opened:
    """Create the session, or give the one that stands under its id or is open for its user.

    What is open for a user is what a secret key or their token opened; a browser goes on only
    with the session whose client secret it sends.

    Raises `InvalidInput` and its kin for what can't be used, `SessionExists` where the id was used
    for another request, `OpenSessionDiffers` where a server names another amount than that of the
    open one, or a page's quote has another.
    """
    _check_caller(new, caller)
    try:
        session, client_secret = await build_session(new, caller, rules, now)
    except InvalidInput as error:
        # The same call a second time: what it was held to may have changed since the first.
        standing = await _standing(new, caller, error, _At(rules, now))
        if standing is None:
            raise
        return Opened(standing, rules.known_client_secret(standing), created=False)
    proven = await _proven(new, caller, now)
    if proven is not None:
        _check_price(proven, session, new, caller)
        return Opened(proven, rules.known_client_secret(proven), created=False)
    for _ in range(_TRIES):
        try:
            await repository.insert(session)
        except Duplicate:
            found = await _existing(session, new, caller, rules, now)
            if found is not None:
                return Opened(found, rules.known_client_secret(found), created=False)
        else:
            return Opened(session, client_secret, created=True)
    raise Unavailable("The session meets another one that can't be read yet; try again.")


def _check_caller(new: NewSession, caller: Caller) -> None:
    principal = caller.principal
    if principal.kind is Kind.USER and new.user_id != principal.user_id:
        raise ChangeNotAllowed("A user opens sessions for themselves: userId must be the token's.")
    if new.provider_session_id is not None and not caller.trusted:
        raise ChangeNotAllowed("Only a secret key may name the provider's own session.")
    if new.session_id and not caller.trusted and looks_like_a_providers(new.session_id):
        raise wrong_field(
            "sessionId",
            "must not be shaped like a provider's own id: only a secret key may name one so",
        )


async def _existing(
    built: SessionRow, new: NewSession, caller: Caller, rules: Rules, now: datetime
) -> Session | None:
    """Give the session that stands in the way of an insert, None if it does no more.

    Raises `SessionExists` where the caller may not go on with it, `OpenSessionDiffers`, and
    `CheckoutTaken` where the checkout that is named is another session's.
    """
    async with answers_in_time():
        merchant_id = caller.principal.merchant_id
        found = await repository.find(merchant_id, built.session_id)
        if found is not None:
            return _same(found, new, caller, _At(rules, now, built))
        if caller.principal.kind is Kind.PUBLISHABLE:
            return None  # only the id can be in its way, and what had it is gone
        found = await repository.find_open_checkout(
            merchant_id, new.user_id, new.plan, new.provider
        )
        ref = new.provider_session_id
        anothers = ref is not None and (found is None or ref not in found.checkout_ids)
        if ref and anothers and await repository.checkout_is_taken(new.provider, ref):
            raise CheckoutTaken(ref)
    if found is None or await expire_if_due(found, rules.lifetimes, now):
        return None
    _check_price(found, built, new, caller)
    return await adopt_checkout(found, new.provider_session_id, now)


def _check_price(found: Session, built: SessionRow, new: NewSession, caller: Caller) -> None:
    """Refuse to go on at another price than a server names, or than was quoted to a page."""
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


async def _standing(
    new: NewSession, caller: Caller, error: InvalidInput, at: _At
) -> Session | None:
    """Give the session that an earlier call made, where a new one can't be built."""
    merchant_id, session_id = caller.principal.merchant_id, named_id(new, caller)
    async with answers_in_time():
        if session_id is not None:
            found = await repository.find(merchant_id, session_id)
            if found is not None and new.is_request_of(found):
                return _same(found, new, caller, at)
        asks_for_open_one = isinstance(error, ItemHasNoPrice) and not new.names_amount
        if new.kind != "checkout" or not asks_for_open_one:
            return None
        if caller.principal.kind is Kind.PUBLISHABLE:
            return await _proven(new, caller, at.now)
        found = await repository.find_open_checkout(
            merchant_id, new.user_id, new.plan, new.provider
        )
    if found is None or not _stands(found, at.now):
        return None
    return await adopt_checkout(found, new.provider_session_id, at.now)


async def _proven(new: NewSession, caller: Caller, now: datetime) -> Session | None:
    """Return the open session that a browser asks for and proves by its client secret."""
    if caller.principal.kind is not Kind.PUBLISHABLE or new.session_id is not None:
        return None
    found = await find_proven_checkout(new.user_id, caller) if new.kind == "checkout" else None
    if found is None or (found.plan, found.provider) != (new.plan, new.provider):
        return None
    return found if _stands(found, now) else None


def _stands(session: Session, now: datetime) -> bool:
    return status_at(session.status, session.expires_at, now) in OPEN


def _same(found: Session, new: NewSession, caller: Caller, at: _At) -> Session:
    """Return the session of this id if this very request made it, or a browser asks for it again.

    A page may have quoted anew since. Its session goes on if it is open at that price, and one that
    is tried again gets it. Raises `SessionExists`, and `OpenSessionDiffers` for another price: also
    where the session was tried again meanwhile, at another one than its request had named.
    """
    # An id that was made from an idempotency key proves the caller: nobody else can derive it.
    proven = new.session_id is None or caller.may_adopt(found)
    stands = _stands(found, at.now)
    if proven and new.is_request_of(found):
        if stands:
            _check_price_named(found, named_amount(new, found, at.rules))
        return found
    if at.built is None or not proven or caller.trusted or not new.asks_for(found):
        raise SessionExists(f"The session id {found.session_id!r} is taken.")
    if stands:
        _check_same_price(found, at.built)
    return found
