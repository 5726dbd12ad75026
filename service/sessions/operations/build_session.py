"""Build a session from what a caller sent: checked and priced, not stored yet."""

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct, field

from service.catalog.operations import Quote, Wanted, quote
from service.core.ids import digest, new_id, new_session_id, session_id_from
from service.core.money import check_step, to_minor
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, CheckoutMode, ProviderName
from service.sessions.documents import Checkout, Kind, Session
from service.sessions.errors import AmountDiffers, wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.move import Why, entry_of
from service.sessions.operations.rules import Rules, client_secret
from service.sessions.states import Status

LONGEST_LIFE = timedelta(hours=24)


class NewSession(Struct, frozen=True, kw_only=True):
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

    @property
    def names_amount(self) -> bool:
        """Tell whether the caller sent what it wants to be paid."""
        return self.amount is not None or self.price is not None


class Built(NamedTuple):
    """A session that is not stored yet, and its client secret, of which it keeps the hash alone."""

    session: Session
    client_secret: str


async def build_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Built:
    """Check, price and build. Raises `InvalidInput` and its kin for what can't be used."""
    currency = rules.currency_for(new.provider, new.currency)
    rules.check_mode(new.provider, new.mode)
    rules.check_url("successUrl", new.success_url)
    rules.check_url("cancelUrl", new.cancel_url)
    expires_at = _expiry(new, rules, now)
    due = await _due(new, caller, currency, now)
    session_id = named_id(new, caller) or new_session_id()
    salt = new_id("salt")
    ref = new.provider_session_id
    secret = client_secret(rules.pepper, session_id, salt)
    session = Session(
        merchant_id=caller.principal.merchant_id,
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
        client_secret_hash=digest(secret),
        secret_salt=salt,
        create_hash=new.request_hash,
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
    )
    return Built(session, secret)


def named_id(new: NewSession, caller: Caller) -> str | None:
    """Give the id that the request names, None where one has to be made.

    With an idempotency key the id follows from it: a call that is repeated after a crash between
    the insert and the stored answer finds the session that it made.
    """
    if new.session_id is None and caller.idempotency_seed:
        return session_id_from(caller.idempotency_seed)
    return new.session_id


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
    if new.mode == "payment":  # a trial is the beginning of a subscription, not of one payment
        due = Quote(due.amount, free=due.amount == 0, trial_days=None)
    if sent is not None and sent != due.amount:
        raise AmountDiffers("price" if new.amount is None else "amount", due.amount, currency)
    check_step(new.provider, currency, due.amount)
    return due


def _item(new: NewSession) -> tuple[str, str]:
    for named_by, item in (("plan", new.plan), ("passId", new.pass_id), ("eventId", new.event_id)):
        if item is not None:
            return item, named_by
    raise wrong_field("plan", "or passId or eventId must name what is paid for")
