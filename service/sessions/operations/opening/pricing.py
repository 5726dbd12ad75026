"""What a session costs: the catalog decides for browsers, a server may name its own amount.

A price belongs to the whole of what is sold. A payment session sells an event, or a pass of it; a
checkout session sells a plan. A name that has no part in the price is refused, since the shop would
hand out something that was not paid for.
"""

from datetime import datetime

from msgspec import Struct, structs

from service.catalog.errors import QuoteExpired, QuoteUnknown
from service.catalog.operations.quote import Quote, Wanted, quote
from service.catalog.operations.quote_id import Held, check_fits, read_quote
from service.providers.base import CheckoutMode
from service.providers.money import check_step, to_minor
from service.sessions.documents import PricedBy, Session
from service.sessions.errors import AmountDiffers, wrong_field
from service.sessions.operations.caller import Caller
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.operations.rules import Rules
from service.storage.database import Row


class Price(Struct, frozen=True):
    """A session's total in minor units of its currency, and who decided it.

    `title` is what the catalog calls the item; None where a server named the amount.
    """

    amount: int
    currency: str
    free: bool
    trial_days: int | None
    priced_by: PricedBy
    title: str | None = None

    @property
    def row(self) -> Row:
        """Return the fields that a session stores, except who decided it and the currency."""
        return {
            "amount": self.amount,
            "freeAllowed": self.free,
            "trialDays": self.trial_days,
            "title": self.title,
        }


async def price_session(new: NewSession, caller: Caller, rules: Rules, now: datetime) -> Price:
    """Return what a session costs. Raises `InvalidInput` or a subclass if it has no price."""
    merchant_id = caller.principal.merchant_id
    held = None
    if new.quote_id is not None:
        held = read_quote(new.quote_id, merchant_id, rules.peppers, now)
    currency = new.currency or (held.currency if held else None)
    currency = rules.currency_for(new.provider, currency)
    sent = _sent(new, currency)
    if caller.trusted and sent is not None and held is None:
        check_step(new.provider, currency, sent)
        return Price(sent, currency, free=False, trial_days=None, priced_by="caller")
    wanted = _wanted(new, currency)
    due = for_mode(await _due(wanted, held, merchant_id, now), new.mode)
    if sent is not None and sent != due.amount:
        raise AmountDiffers("price" if new.amount is None else "amount", due.amount, currency)
    check_step(new.provider, currency, due.amount)
    return Price(due.amount, currency, due.free, due.trial_days, "catalog", due.title)


def named_amount(new: NewSession, made: Session, rules: Rules) -> int | None:
    """Return the price that the request named when the session was created, if it named one."""
    if new.quote_id is None:
        return _sent(new, made.currency)
    try:
        held = read_quote(new.quote_id, made.merchant_id, rules.peppers, made.created_at)
    except (QuoteUnknown, QuoteExpired):  # its pepper has been removed since
        return None
    return held.amount


def for_mode(due: Quote, mode: CheckoutMode) -> Quote:
    """Return a total as a mode allows it: a trial begins a subscription, not a single payment."""
    if mode == "subscription":
        return due
    return structs.replace(due, free=due.amount == 0, trial_days=None)


async def _due(wanted: Wanted, held: Held | None, merchant_id: str, now: datetime) -> Quote:
    if held is None:
        return await quote(merchant_id, wanted, now)
    check_fits(held, wanted)
    return held.quote


def _sent(new: NewSession, currency: str) -> int | None:
    if new.price is not None:
        return to_minor(new.price, new.provider, currency)
    return new.amount


def _wanted(new: NewSession, currency: str) -> Wanted:
    """Return what to ask the catalog for. Raises `InvalidInput` for a name that has no price."""
    if new.kind == "checkout":
        _refuse("checkout", passId=new.pass_id, eventId=new.event_id)
        item, named_by, pass_id = new.plan, "plan", None
    else:
        _refuse("payment", plan=new.plan)
        item, named_by, pass_id = new.event_id, "eventId", new.pass_id
    if item is None:
        raise wrong_field(named_by, "must name what is paid for")
    named_by = named_by if pass_id is None else "passId"
    return Wanted(item, named_by, currency, new.quantity, new.coupon_code, pass_id)


def _refuse(kind: str, **unpriced: str | None) -> None:
    for field, value in unpriced.items():
        if value is not None:
            raise wrong_field(field, f"is no part of the price of a {kind} session: leave it out")
