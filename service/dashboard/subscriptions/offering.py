"""What a subscription's page offers: that it goes on, and the plans with what each costs."""

from collections.abc import Mapping

from service.catalog.operations.plans import amounts_of_plans
from service.core.errors import ProviderFailed
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.operations.plans import plans_for
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.payments.subscriptions.states import SubscriptionStatus


def goes_on(found: Subscription, services: SubscriptionServices) -> bool:
    """Return whether there is something to take back, and its provider has a way to do it."""
    if found.status is SubscriptionStatus.PAUSED:
        return True
    try:
        return found.cancel_at_period_end and services.provider_of(found).takes_back_endings
    except ProviderFailed:
        return False


async def plans_offered(
    found: Subscription, services: SubscriptionServices
) -> Mapping[str, int | None]:
    """Return the plans that its provider has a price for, none where that is not set up.

    With each is what the catalog has a period of it cost; None where that has no price of it.
    """
    try:
        provider = services.provider_of(found)
    except ProviderFailed:
        return {}
    amounts = await amounts_of_plans(found.merchant_id, found.currency or "")
    return {plan: amounts.get(plan) for plan in sorted(await plans_for(found, provider))}
