"""What opening, closing and querying checkouts needs besides the session."""

from collections.abc import Mapping

from msgspec import Struct

from service.core.clock import Clock
from service.inbox.operations.inbox import Inbox
from service.merchants.operations.merchants import Merchants
from service.providers.base import Provider
from service.sessions.operations.rules import Rules


class CheckoutServices(Struct, frozen=True):
    """The rules, the clock, the providers, the inbox for their answers, and the merchants."""

    rules: Rules
    clock: Clock
    providers: Mapping[str, Provider]
    inbox: Inbox
    merchants: Merchants

    async def rules_of(self, merchant_id: str) -> Rules:
        """Return the rules for what a merchant opens. Raises `Unavailable`."""
        return self.rules.of(await self.merchants.of(merchant_id))
