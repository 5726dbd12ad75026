"""To which plans a subscription can be changed, and to which one it is."""

from collections.abc import Mapping

from service.catalog.operations import plans as catalog
from service.core.errors import ProviderFailed
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.errors import OtherCurrency
from service.providers.base import PeriodPrice
from service.providers.subscribed import Subscribed
from service.providers.subscribing import Subscribes
from service.storage.transaction import Transaction


async def plans_for(subscription: Subscription, provider: Subscribes) -> Mapping[str, str]:
    """Return the provider's prices of the plans that a subscription can be to, by plan.

    The catalog's of its currency go before those of the settings.
    """
    named: Mapping[str, str] = {}
    if subscription.currency is not None:
        key = (subscription.merchant_id, subscription.currency, subscription.provider)
        named = await catalog.prices_of_plans(*key)
    return {**provider.plan_prices, **named}


async def check_price(subscription: Subscription, plan: str, found: PeriodPrice) -> None:
    """Refuse a provider's price of a plan that is not the catalog's: nobody was offered that one.

    Raises `OtherCurrency` where it is not the subscription's, and `ProviderFailed`.
    """
    currency, provider = found.currency, subscription.provider
    if subscription.currency not in {None, currency}:
        raise OtherCurrency(plan, subscription.currency or "")
    listed = await catalog.plan_price(subscription.merchant_id, plan, currency, provider)
    wrong = listed.other_interval(found.interval, found.interval_count)
    if listed.amount not in {None, found.amount}:
        asked = "no fixed amount" if found.amount is None else f"{found.amount} {currency}"
        wrong = f"{asked}, in the catalog it is {listed.amount} {currency}"
    if wrong is not None:
        raise ProviderFailed(f"{provider}'s price of {plan!r} is {wrong}. Nothing was changed.")


async def plan_of(
    tx: Transaction, known: Subscription, merchant_id: str, said: Subscribed
) -> str | None:
    """Return our name of the plan that a subscription was read to be to.

    What was sent along with it names one as well, but is as old as our last change.
    """
    if said.plan is not None:
        return said.plan
    if said.provider_plan_id is not None:
        ref = said.provider_plan_id
        named = await catalog.plan_of_price(merchant_id, known.provider, ref, tx)
        if named is not None:
            return named
    return said.noted_plan or known.plan
