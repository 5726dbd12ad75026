"""What the routes, jobs and commands of leads share."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from service.core.clock import Clock
from service.core.peppers import Pepper
from service.merchants.operations.merchants import Merchants
from service.outbox.operations.hearing import Heard, nobody


class Followed(Struct, frozen=True):
    """How far a session came: whether a checkout was opened for it, and whether it was paid."""

    attempted: bool
    paid: bool


FindFollowed: TypeAlias = Callable[[str, Collection[str]], Awaitable[Mapping[str, Followed]]]
"""Return those of some sessions of a merchant that there are, by their ids."""


class IntentServices(Struct, frozen=True, kw_only=True):
    """What the wiring hands in: the sessions stand above the leads, and so does who hears them.

    `default_currency` is that of merchants without one, `origin` that of the service's own pages.
    The first of `peppers` derives, all of them find. Without an `archive_dir` nothing can be
    archived. `mails`: there is a mail server, so that a merchant may be mailed about leads.
    """

    clock: Clock
    merchants: Merchants
    default_currency: str
    origin: str
    peppers: Sequence[Pepper]
    keep_for: timedelta
    keep_addresses: bool
    archive_dir: Path | None
    find_followed: FindFollowed
    mails: bool = False
    heard: Heard = nobody

    async def tells(self, merchant_id: str) -> bool:
        """Return whether a merchant's people are mailed about leads, later and all at once.

        Raises `MerchantMissing`, and `Unavailable`.
        """
        merchant = await self.merchants.of(merchant_id)
        return self.mails and merchant.lead_digest and bool(merchant.mail_recipients)

    async def currency_of(self, merchant_id: str) -> str:
        """Return a merchant's own currency. Raises `MerchantMissing`, and `Unavailable`."""
        merchant = await self.merchants.of(merchant_id)
        return merchant.default_currency or self.default_currency
