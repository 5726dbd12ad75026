"""The merchants as this process knows them: no request queries the database for its own."""

from datetime import datetime, timedelta

from msgspec import Struct

from service.core.clock import Clock
from service.core.principal import DEFAULT_MERCHANT, AccessScope, Principal
from service.merchants import repository
from service.merchants.documents import Merchant
from service.merchants.errors import MerchantMissing, MerchantSuspended
from service.storage.answering import answers_in_time

REMEMBERED_FOR = timedelta(seconds=5)


class _Remembered(Struct, frozen=True):
    """A merchant as it was read, None for none; `since` is before the query began."""

    merchant: Merchant | None
    since: datetime
    until: datetime


class Merchants:
    """A cache: each merchant is read at most every five seconds, and again once it is changed here.

    Callers that come while it is being read read it, too. A change by another process is noticed
    within these five seconds. There are at most as many entries as merchants with keys. Callers
    share what is returned and must not change it.
    """

    def __init__(self, clock: Clock) -> None:
        """Start empty."""
        self.clock = clock
        self._known: dict[str, _Remembered] = {}
        self._changes = 0

    async def of(self, merchant_id: str) -> Merchant:
        """Return the merchant of a caller. Raises `MerchantMissing`, and `Unavailable`."""
        now = self.clock.now()
        known = self._known.get(merchant_id)
        # Turning the clock back keeps no entry alive for longer.
        fresh = known is not None and known.since <= now < known.until
        found = known.merchant if known and fresh else await self._read(merchant_id, now)
        if found is None:
            raise MerchantMissing
        return found

    async def admit(self, principal: Principal) -> None:
        """Refuse the keys and tokens of a suspended merchant, except an operator's.

        An operator's merchant is not even read: what is measured must be told while the database is
        away. Raises `MerchantSuspended`, and what `of` raises.
        """
        if AccessScope.OPERATOR in principal.scopes:
            return
        if (await self.of(principal.merchant_id)).suspended is not None:
            raise MerchantSuspended

    def forget(self, merchant_id: str) -> None:
        """Drop a merchant that was changed: the next caller reads it again."""
        self._changes += 1
        self._known.pop(merchant_id, None)

    async def _read(self, merchant_id: str, now: datetime) -> Merchant | None:
        changes = self._changes
        async with answers_in_time():
            found = await repository.find(merchant_id)
        if found is None and merchant_id == DEFAULT_MERCHANT:
            # It owns the keys of the environment, even if somebody has deleted its document.
            found = Merchant.unnamed(merchant_id, now)
        if changes == self._changes:  # otherwise it may be older than the change
            self._known[merchant_id] = _Remembered(found, now, now + REMEMBERED_FOR)
        return found
