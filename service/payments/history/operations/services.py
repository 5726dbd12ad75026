"""What the routes of the ledger share."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from service.core.clock import Clock
from service.merchants.operations.merchants import Merchants

SessionsOf: TypeAlias = Callable[[str, str, int], Awaitable[Sequence[str]]]
"""Return the ids of a merchant's latest sessions with an email address, up to a number."""


class HistoryServices(Struct, frozen=True):
    """What the wiring hands in: the sessions stand above the ledger."""

    clock: Clock
    merchants: Merchants
    default_currency: str
    sessions_of_email: SessionsOf
