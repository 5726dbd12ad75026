"""Giving money back: what a provider that does it by its API offers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from msgspec import Struct

from service.core.errors import ProviderFailed, ProviderUnreachable
from service.providers.base import VerifiedEvent


class RefundRequest(Struct, frozen=True):
    """One refund, the same in each repetition: providers compare the whole of it by its key.

    `refund_id` is ours, 10 to 38 of `[A-Za-z0-9-]`: it is the idempotency key, and comes back in
    what the provider reports. `order_id` is the id that we gave the payment's order (PhonePe).
    `amount` is in minor units, at most `payment_amount`.
    """

    refund_id: str
    provider_payment_id: str
    amount: int
    currency: str
    payment_amount: int
    charge_id: str | None = None
    order_id: str | None = None
    reason: str | None = None


@runtime_checkable
class Refunds(Protocol):
    """A provider that gives money back when it is asked.

    Both methods raise `ProviderUnreachable` when the outcome is unknown and another
    `ProviderFailed` when the provider surely did nothing and may do it later.
    """

    async def refund(self, request: RefundRequest) -> VerifiedEvent:
        """Make a refund, once however often it is asked for; its answer is for the inbox.

        Raises `RefundRefused` where the provider will not do it, so that only another refund, under
        an id of its own, can be of use.
        """
        ...

    async def find_refund(
        self, request: RefundRequest, provider_refund_id: str | None = None
    ) -> VerifiedEvent | None:
        """Ask how a refund stands; None where the provider knows of none.

        A call whose answer was lost may still be under way: None so soon after it proves nothing.
        """
        ...


@contextmanager
def outcome_told() -> Iterator[None]:
    """Report as `ProviderUnreachable` every failure that leaves open whether money moved."""
    try:
        yield
    except ProviderFailed as error:
        if error.definite or isinstance(error, ProviderUnreachable):
            raise
        raise ProviderUnreachable(error.message) from error
