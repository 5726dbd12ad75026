"""What the routes of figures share, and as what a merchant's figures are shown."""

from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.caching import Cache
from service.analytics.repository import facts, sources
from service.core.clock import Clock
from service.core.rush import Rush
from service.merchants.documents import Merchant
from service.merchants.operations.merchants import Merchants
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION


class FiguresServices(Struct, frozen=True):
    """What the wiring hands in. `rush`: whether this process is busy with the hot routes."""

    clock: Clock
    merchants: Merchants
    default_currency: str
    cache: Cache
    rush: Rush


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
    """Return as what figures are shown: the merchant's own zone and currency, unless named.

    Raises `Unavailable`.
    """
    merchant = await services.merchants.of(merchant_id)
    named = currency is not None
    if currency is None and (currency := merchant.default_currency) is None:
        currency = await _usual_currency(merchant_id, services.default_currency)
    return Shown(merchant, zone or merchant.zone, currency, named, services.clock.now())


async def _usual_currency(merchant_id: str, default: str) -> str:
    """Return the service's currency, unless a merchant has nothing in it and something in others.

    Then it is the one that most of its latest rows are in.
    """
    async with answers_in_time():
        state = await facts.state_of(merchant_id, NO_TRANSACTION)
        if state is not None and default in state.currencies:
            return default
        latest = await sources.latest_currencies(merchant_id)
    if default in latest or not latest:
        return default
    return min(latest, key=lambda currency: (-latest[currency], currency))
