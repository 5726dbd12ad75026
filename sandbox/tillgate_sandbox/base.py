"""What a played provider implements, and what all of the sandbox uses."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from service.core.clock import Clock
from service.providers.registry import ProviderName
from service.settings import Settings
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.states import Happening


class MadeEvent(Struct, frozen=True):
    """An event as the provider would send it: its type, its id, its bytes."""

    type: str
    event_id: str
    body: bytes


class Played(Protocol):
    """One provider, played: how it reports what happens, and how it signs."""

    @property
    def name(self) -> ProviderName:
        """Return the provider's name."""
        ...

    def events_for(
        self,
        checkout: SandboxCheckout,
        happening: Happening,
        payment: SandboxPayment | None,
        now: datetime,
    ) -> list[MadeEvent]:
        """Make the events that report a happening; `checkout` is its state afterwards."""
        ...

    def falsify(self, event: MadeEvent, fault: Fault) -> MadeEvent:
        """Turn a right event into a wrong one: another amount or currency, an unknown session.

        It has another event id, so that the right one is not a duplicate of it.
        """
        ...

    def sign(self, event: MadeEvent, at: datetime, fault: Fault | None) -> dict[str, str]:
        """Return the headers of a delivery, genuinely signed; a fault signs wrongly."""
        ...


class Sandbox(Struct, frozen=True):
    """What the sandbox needs. `deliver_to` is the address of the service under test."""

    settings: Settings
    clock: Clock
    deliver_to: str
    played: Mapping[ProviderName, Played]


def pay_page(settings: Settings, page_id: str) -> str:
    """Return the address of a checkout's pay page."""
    return f"{settings.web.public_url}/sandbox/pay/{page_id}"
