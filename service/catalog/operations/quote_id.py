"""A quote that holds for a while: its id contains the price, under our signature.

Nothing is stored, so every worker can read every quote, and an altered one is rejected.
"""

import base64
import binascii
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from service.catalog.errors import QuoteDiffers, QuoteExpired, QuoteUnknown
from service.catalog.operations.quote import Priced, Quote, Wanted, price_of
from service.core.clock import to_milliseconds
from service.core.ids import derive, same
from service.core.json_text import to_json

HOLDS_FOR = timedelta(minutes=15)

_PREFIX, _PURPOSE = "qt_", "quote"


class Held(Struct, frozen=True, array_like=True):
    """A total and what it is for. `named_by` separates a plan from an event of the same name."""

    merchant_id: str
    named_by: str
    item: str
    pass_id: str | None
    quantity: int
    coupon_code: str | None
    currency: str
    amount: int
    trial_days: int | None
    expires_at: datetime
    title: str | None = None  # last: the quotes of before have none

    @property
    def quote(self) -> Quote:
        """Return the total."""
        free = self.amount == 0 or self.trial_days is not None
        return Quote(self.amount, free=free, trial_days=self.trial_days, title=self.title)


class QuoteSettings(Struct, frozen=True):
    """What quotes are signed with. Whoever has the pepper can make one."""

    pepper: str
    default_currency: str


class Offered(Struct, frozen=True):
    """An issued quote: its id, its content, and how the total was made up."""

    quote_id: str
    held: Held
    priced: Priced


async def offer_quote(
    merchant_id: str, wanted: Wanted, settings: QuoteSettings, now: datetime
) -> Offered:
    """Quote what is wanted, for a while. Raises `ItemHasNoPrice` or a related error."""
    priced = await price_of(merchant_id, wanted, now)
    held = _hold(merchant_id, wanted, priced.quote, now)
    return Offered(id_of(held, settings.pepper), held, priced)


def _hold(merchant_id: str, wanted: Wanted, quote: Quote, now: datetime) -> Held:
    return Held(
        merchant_id=merchant_id,
        named_by=wanted.named_by,
        item=wanted.item,
        pass_id=wanted.pass_id,
        quantity=wanted.quantity,
        coupon_code=wanted.coupon_code,
        currency=wanted.currency,
        amount=quote.amount,
        trial_days=quote.trial_days,
        expires_at=to_milliseconds(now) + HOLDS_FOR,
        title=quote.title,
    )


def id_of(held: Held, pepper: str) -> str:
    """Return the id under which a quote is issued."""
    content = base64.urlsafe_b64encode(to_json(held)).rstrip(b"=").decode()
    return f"{_PREFIX}{content}.{derive(pepper, _PURPOSE, content)}"


def read_quote(quote_id: str, merchant_id: str, peppers: Iterable[str], now: datetime) -> Held:
    """Return the content of a quote's id, whichever of the peppers signed it.

    Raises `QuoteUnknown` and `QuoteExpired`.
    """
    content, _, signature = quote_id.removeprefix(_PREFIX).partition(".")
    # All are compared, so that the time taken does not reveal which one it was.
    if not sum(same(signature, derive(pepper, _PURPOSE, content)) for pepper in peppers):
        raise QuoteUnknown
    try:
        padded = content + "=" * (-len(content) % 4)
        held = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=Held)
    except (binascii.Error, msgspec.DecodeError) as error:  # ours, from another version
        raise QuoteUnknown from error
    if held.merchant_id != merchant_id:
        raise QuoteUnknown
    if held.expires_at <= now:
        raise QuoteExpired
    return held


def check_fits(held: Held, wanted: Wanted) -> None:
    """Check a request against its quote. Raises `QuoteDiffers`, which names the fields."""
    pairs = {
        wanted.named_by: ((held.named_by, held.item), (wanted.named_by, wanted.item)),
        "passId": (held.pass_id, wanted.pass_id),
        "quantity": (held.quantity, wanted.quantity),
        "couponCode": (held.coupon_code, wanted.coupon_code),
        "currency": (held.currency, wanted.currency),
    }
    differing = [name for name, (quoted, asked) in pairs.items() if quoted != asked]
    if differing:
        raise QuoteDiffers(differing)
