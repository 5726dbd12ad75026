"""What reading and changing subscriptions needs besides the subscription."""

from collections.abc import Mapping

from msgspec import Struct, field

from service.core.clock import Clock
from service.core.errors import ProviderFailed
from service.inbox.operations.inbox import Inbox
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.sending.pace import Pace
from service.providers.base import Provider
from service.providers.subscribing import Subscribes


class SubscriptionServices(Struct, frozen=True):
    """The clock, the providers, the inbox for their answers, and who asked how often."""

    clock: Clock
    providers: Mapping[str, Provider]
    inbox: Inbox
    pace: Pace = field(default_factory=Pace)

    def may_ask(self, subscription: Subscription, who: str = "") -> bool:
        """Count who asks, and return whether a subscription may be read for them now.

        Each caller has a count of its own: no user uses up what the merchant's server may do.
        """
        key = (subscription.provider, subscription.account, subscription.provider_subscription_id)
        return self.pace.may_ask((*key, who), self.clock.now())

    def provider_of(self, subscription: Subscription) -> Subscribes:
        """Return a subscription's provider. Raises `ProviderFailed` where it can't be asked."""
        name = subscription.provider
        provider = self.providers.get(name)
        if provider is None or not isinstance(provider, Subscribes):
            raise ProviderFailed(f"{name} is not set up here, and can't be asked.")
        if None not in {subscription.live, provider.live} and subscription.live != provider.live:
            raise ProviderFailed(f"The subscription is of the other mode of {name}: check its key.")
        return provider
