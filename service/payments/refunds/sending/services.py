"""What refunding needs besides the refund."""

from collections.abc import Mapping

from msgspec import Struct

from service.core.clock import Clock
from service.inbox.operations.inbox import Inbox
from service.payments.refunds.operations.rules import RefundRules
from service.providers.base import Provider


class RefundServices(Struct, frozen=True):
    """The rules, the clock, the providers, and the inbox for their answers."""

    rules: RefundRules
    clock: Clock
    providers: Mapping[str, Provider]
    inbox: Inbox
