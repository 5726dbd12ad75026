"""What opening, closing and querying checkouts needs besides the session."""

from collections.abc import Mapping

from msgspec import Struct

from service.core.clock import Clock
from service.inbox.operations.inbox import Inbox
from service.providers.base import Provider
from service.sessions.operations.rules import Rules


class CheckoutServices(Struct, frozen=True):
    """The rules, the clock, the providers, and the inbox that receives their answers."""

    rules: Rules
    clock: Clock
    providers: Mapping[str, Provider]
    inbox: Inbox
