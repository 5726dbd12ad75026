"""Subscriptions: what a provider offers that has them."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from service.providers.base import PeriodPrice, VerifiedEvent


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

    @property
    def takes_back_endings(self) -> bool:
        """Return whether one that is to end with its period can be made to go on."""
        ...

    @property
    def plan_prices(self) -> Mapping[str, str]:
        """Return the provider's ids of the prices that its settings have, by plan."""
        ...

    async def read_price(self, price: str) -> PeriodPrice:
        """Read what one of its prices charges, by its id."""
        ...

    async def change_plan(self, subscription_id: str, plan: str, price: str, key: str) -> None:
        """Change to another plan by the provider's price of it, with its proration.

        `key` is one change's own.
        """
        ...
