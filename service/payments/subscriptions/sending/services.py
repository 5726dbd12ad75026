"""What reading and changing subscriptions needs besides the subscription."""

from collections.abc import Mapping

from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import ProviderFailed
from service.inbox.operations.inbox import Inbox
from service.payments.subscriptions.documents import Subscription
from service.providers.base import Provider
from service.providers.subscribing import Subscribes


class SubscriptionServices(Struct, frozen=True):
    """The clock, the providers, and the inbox for their answers."""

    clock: Clock
    providers: Mapping[str, Provider]
    inbox: Inbox

    def provider_of(self, subscription: Subscription) -> Subscribes:
        """Return a subscription's provider. Raises `ProviderFailed` where it can't be asked."""
        name = subscription.provider
        provider = self.providers.get(name)
        if provider is None or not isinstance(provider, Subscribes):
            raise ProviderFailed(f"{name} is not set up here, and can't be asked.")
        if None not in {subscription.live, provider.live} and subscription.live != provider.live:
            raise ProviderFailed(f"The subscription is of the other mode of {name}: check its key.")
        return provider
