"""Which of a provider's prices a plan is subscribed to by, and which plan a price is of."""

from collections.abc import Mapping

from msgspec import Struct

from service.catalog import repository
from service.catalog.documents import Price, Product
from service.providers.subscribed import Interval
from service.storage.answering import answers_in_time
from service.storage.transaction import Transaction


class PlanPrice(Struct, frozen=True):
    """A plan's price: its id at a provider, what a unit costs a period, and how long one lasts.

    None where the catalog leaves it to the provider.
    """

    ref: str | None = None
    amount: int | None = None
    interval: Interval | None = None
    interval_count: int = 1

    def other_interval(self, interval: Interval | None, count: int) -> str | None:
        """Say in which way another period is not that of the catalog; None where it is."""
        if None in {self.interval, interval}:
            return None
        if (self.interval, self.interval_count) == (interval, count):
            return None
        return (
            f"charged every {count} {interval}, in the catalog it is every "
            f"{self.interval_count} {self.interval}"
        )


async def plan_price(merchant_id: str, plan: str, currency: str, provider: str) -> PlanPrice:
    """Return how the catalog has a plan opened at a provider."""
    async with answers_in_time():
        found = await repository.find_price(merchant_id, Product(plan), currency)
    if found is None:
        return PlanPrice()
    ref = found.provider_prices.get(provider)
    return PlanPrice(ref, found.amount, found.interval, found.interval_count)


async def amounts_of_plans(merchant_id: str, currency: str) -> Mapping[str, int]:
    """Return what a period of each plan costs in a currency, in minor units, by plan."""
    return {one.item: one.amount for one in await _listed(merchant_id, currency)}


async def prices_of_plans(merchant_id: str, currency: str, provider: str) -> Mapping[str, str]:
    """Return the provider's ids of the prices in a currency, by plan."""
    return {
        one.item: one.provider_prices[provider]
        for one in await _listed(merchant_id, currency)
        if provider in one.provider_prices
    }


async def plan_of_price(merchant_id: str, provider: str, ref: str, tx: Transaction) -> str | None:
    """Return the plan that a provider's price is of, None where the catalog names none."""
    found = await repository.find_by_provider_price(merchant_id, provider, ref, tx)
    return min((one.item for one in found if one.pass_id is None), default=None)


async def _listed(merchant_id: str, currency: str) -> list[Price]:
    async with answers_in_time():
        listed = await repository.list_prices(merchant_id)
    return [one for one in listed if one.pass_id is None and one.currency == currency]
