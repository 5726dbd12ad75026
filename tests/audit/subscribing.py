"""Changes of subscriptions whose provider says how they stand, and does nothing."""

import json
from typing import Any

from service.core.ids import new_id
from service.payments.subscriptions.documents import Subscription
from service.providers.base import PeriodPrice, VerifiedEvent
from tests.subscriptions.living import found
from tests.support.api import SECRET
from tests.support.shop import Shop


async def change_subscription(shop: Shop, act: str, **body: Any) -> None:
    """Ask for a change of a subscription: it is on the record before its provider is asked."""
    named = f"sub_{new_id('x')[2:].replace('-', '0')}"
    row = Subscription.new_row(
        {
            "merchantId": "default",
            "provider": "stripe",
            "account": "default",
            "providerSubscriptionId": named,
            "status": "active",
            "cancelAtPeriodEnd": act == "reactivate-subscription",
            "createdAt": shop.clock.now(),
            "updatedAt": shop.clock.now(),
        }
    )
    await shop.database["subscriptions"].insert_one(row)
    sent = {"subscriptionId": named} | body
    provider: Any = shop.api.container.inbox.providers["stripe"]
    ending = {"cancel_at_period_end": act == "reactivate-subscription"}
    answer = {"subscription": found(named, "active", **ending), "invoices": []}

    async def stands(subscription_id: str, read: int) -> VerifiedEvent:
        """Answer the reading before the change; what is asked for then reaches nobody."""
        stored: VerifiedEvent = provider.translate_stored(
            f"fetch:{subscription_id}:{read}", json.dumps(answer).encode()
        )
        return stored

    async def read_price(_: str) -> PeriodPrice:
        return PeriodPrice(4999, "USD", "month", 1)

    before, provider._prices = provider._prices, {"premium": "price_1"}
    provider.read_subscription, provider.read_price = stands, read_price
    try:
        await shop.api.call("POST", f"/api/payment/{act}", SECRET, json=sent)
    finally:
        provider._prices = before
        del provider.read_subscription, provider.read_price
