"""What the routes of figures share, and as what a merchant's figures are shown."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.caching import Cache
from service.core.clock import Clock
from service.merchants.documents import Merchant
from service.merchants.operations.merchants import Merchants


class FiguresServices(Struct, frozen=True):
    """What the wiring hands in."""

    clock: Clock
    merchants: Merchants
    default_currency: str
    cache: Cache


class Shown(Struct, frozen=True):
    """As what figures are shown: in one currency, by the days of a zone, until now.

    `is_named`: the caller asked for this currency, so that there must be something in it.
    """

    merchant: Merchant
    timezone: str
    currency: str
    is_named: bool
    as_of: datetime

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone in which days begin."""
        return ZoneInfo(self.timezone)


async def shown_as(
    services: FiguresServices, merchant_id: str, zone: str | None, currency: str | None
) -> Shown:
    """Return as what figures are shown: the merchant's own zone and currency, unless named."""
    merchant = await services.merchants.of(merchant_id)
    own = merchant.default_currency or services.default_currency
    named = currency is not None
    return Shown(merchant, zone or merchant.zone, currency or own, named, services.clock.now())
