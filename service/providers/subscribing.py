"""Subscriptions: what a provider offers that has them."""

from typing import Protocol, runtime_checkable

from service.providers.base import VerifiedEvent


@runtime_checkable
class Subscribes(Protocol):
    """A provider whose subscriptions can be read and changed.

    All methods raise `ProviderUnreachable` when the outcome is unknown and another `ProviderFailed`
    when the provider surely did nothing. Each change may be repeated: it says how the subscription
    is to stand, so that a second one changes nothing.
    """

    async def read_subscription(self, subscription_id: str, read: int) -> VerifiedEvent:
        """Read a subscription; the answer, for the inbox, carries the number of this reading."""
        ...

    async def cancel_subscription(self, subscription_id: str, *, at_period_end: bool) -> None:
        """End a subscription now, or with the period that is paid for."""
        ...

    async def reactivate_subscription(self, subscription_id: str) -> None:
        """Let a subscription go on that was to end with its period, or that is paused.

        Raises `NotOffered` where the provider has no way to do it.
        """
        ...

    def offers_plan(self, plan: str) -> bool:
        """Return whether the provider has a price for a plan, by our name for it."""
        ...

    async def change_plan(self, subscription_id: str, plan: str, key: str) -> None:
        """Change to another plan, with the provider's proration; `key` is one change's own."""
        ...
