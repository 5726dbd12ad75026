"""Open a session: create it, or find the one that the same request made before."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from service.catalog.operations import Quote, Wanted, quote
from service.core.ids import digest, new_id, new_session_id, session_id_from
from service.core.money import check_step, to_minor
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, CheckoutMode, ProviderName
from service.sessions import repository
from service.sessions.documents import Checkout, Kind, Session
from service.sessions.errors import (
    AmountDiffers,
    ChangeNotAllowed,
    OpenSessionDiffers,
    SessionExists,
    wrong_field,
)
from service.sessions.operations.caller import Caller
from service.sessions.operations.expire import expire_if_due
from service.sessions.operations.move import Why, entry_of
from service.sessions.operations.rules import Rules, client_secret
from service.sessions.states import Status
from service.storage.transactions import Duplicate, answers_in_time
from service.web.principal import Kind as CallerKind

LONGEST_LIFE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewSession:
    """What a caller sent to open a session. `request_hash` tells two requests apart."""

    kind: Kind
    user_id: str
    provider: ProviderName
    request_hash: str
    session_id: str | None = None
    email: str | None = None
    event_id: str | None = None
    quantity: int = 1
    pass_id: str | None = None
    selected_date: str | None = None
    coupon_code: str | None = None
    waiting_list_id: str | None = None
    plan: str | None = None
    amount: int | None = None
    price: str | None = None
    currency: str | None = None
    mode: CheckoutMode = "payment"
    metadata: JsonObject = field(default_factory=dict)
    expires_at: datetime | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    provider_session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session, its secret if the caller may have it, and whether this call made it."""

    session: Session
    client_secret: str | None
    created: bool


async def open_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Opened:
    """Create the session, or give the one that stands under its id or is open for its user.

    Raises `InvalidInput` and its kin for what can't be used, `SessionExists` where the id was used
    for another request, `OpenSessionDiffers` where a server asks for another amount.
    """
    _check_caller(new, caller)
    session = await _build(new, caller, rules, now)
    try:
        async with answers_in_time():
            await repository.insert(session)
    except Duplicate:
        return await _existing(new, session, caller, rules, now)
    return Opened(session, rules.client_secret(session), created=True)


async def _existing(
    new: NewSession, built: Session, caller: Caller, rules: Rules, now: datetime
) -> Opened:
    async with answers_in_time():
        found = await repository.find(built.merchant_id, built.session_id)
        if found is not None:
            if not caller.may_see(found) or found.create_hash != built.create_hash:
                raise SessionExists(f"The session id {built.session_id!r} is taken.")
            return Opened(found, rules.known_client_secret(found), created=False)
        found = await repository.find_open_checkout(
            built.merchant_id, built.user_id, built.plan, built.provider
        )
    if found is None or await expire_if_due(found, rules.lifetimes, now):
        # The open one ended in the meantime: its place is free.
        return await open_session(new, caller, rules, now)
    if not caller.may_see(found):
        raise SessionExists("There is an open session; send its X-Client-Secret to go on with it.")
    amount_sent = new.amount is not None or new.price is not None
    if caller.trusted and amount_sent and _price(found) != _price(built):
        raise OpenSessionDiffers(
            f"Session {found.session_id} is open at {found.amount} {found.currency}; "
            "cancel it first, or leave the amount out."
        )
    return Opened(found, rules.known_client_secret(found), created=False)


def _price(session: Session) -> tuple[int, str]:
    return session.amount, session.currency


def _check_caller(new: NewSession, caller: Caller) -> None:
    principal = caller.principal
    if principal.kind is CallerKind.USER and new.user_id != principal.user_id:
        raise ChangeNotAllowed("A user opens sessions for themselves: userId must be the token's.")
    if new.provider_session_id is not None and not caller.trusted:
        raise ChangeNotAllowed("Only a secret key may name the provider's own session.")


async def _build(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Session:
    merchant_id = caller.principal.merchant_id
    currency = rules.currency_for(new.provider, new.currency)
    rules.check_url("successUrl", new.success_url)
    rules.check_url("cancelUrl", new.cancel_url)
    expires_at = _expiry(new, rules, now)
    due = await _due(new, caller, currency, now)
    session_id = new.session_id or _made_id(caller)
    salt = new_id("salt")
    ref = new.provider_session_id
    return Session(
        merchant_id=merchant_id,
        session_id=session_id,
        kind=new.kind,
        user_id=new.user_id,
        email=new.email,
        event_id=new.event_id,
        quantity=new.quantity,
        pass_id=new.pass_id,
        selected_date=new.selected_date,
        coupon_code=new.coupon_code,
        waiting_list_id=new.waiting_list_id,
        plan=new.plan,
        amount=due.amount,
        currency=currency,
        provider=new.provider,
        mode=new.mode,
        account=OWN_ACCOUNT,
        live=rules.live.get(new.provider),
        free_allowed=due.free,
        trial_days=due.trial_days,
        provider_session_id=ref,
        success_url=new.success_url,
        cancel_url=new.cancel_url,
        metadata=new.metadata,
        guarded_metadata=sorted(new.metadata) if caller.trusted else [],
        checkouts=[Checkout(ref=ref, n=0, opened_at=now)] if ref else [],
        history=[entry_of(None, Status.PENDING, Why(caller.principal.label, now))],
        client_secret_hash=digest(client_secret(rules.pepper, session_id, salt)),
        secret_salt=salt,
        create_hash=new.request_hash,
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
    )


def _made_id(caller: Caller) -> str:
    # With an idempotency key the id follows from it: a call that is repeated after a crash between
    # the insert and the stored answer finds the session that it made.
    return session_id_from(caller.idempotency_seed) if caller.idempotency_seed else new_session_id()


def _expiry(new: NewSession, rules: Rules, now: datetime) -> datetime:
    if new.expires_at is None:
        return now + rules.lifetimes.of(new.kind)
    if not now < new.expires_at <= now + LONGEST_LIFE:
        raise wrong_field("expiresAt", "must be in the future, at most 24 hours from now")
    return new.expires_at


async def _due(new: NewSession, caller: Caller, currency: str, now: datetime) -> Quote:
    sent = new.amount
    if new.price is not None:
        sent = to_minor(new.price, new.provider, currency)
    if caller.trusted and sent is not None:
        check_step(new.provider, currency, sent)
        return Quote(sent, free=False, trial_days=None)
    item, named_by = _item(new)
    wanted = Wanted(item, named_by, currency, new.quantity, new.coupon_code)
    due = await quote(caller.principal.merchant_id, wanted, now)
    if sent is not None and sent != due.amount:
        raise AmountDiffers("price" if new.amount is None else "amount", due.amount, currency)
    check_step(new.provider, currency, due.amount)
    return due


def _item(new: NewSession) -> tuple[str, str]:
    for named_by, item in (("plan", new.plan), ("passId", new.pass_id), ("eventId", new.event_id)):
        if item is not None:
            return item, named_by
    raise wrong_field("plan", "or passId or eventId must name what is paid for")
