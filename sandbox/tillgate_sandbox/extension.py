"""The sandbox as an extension of the product: its entry point leads here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from types import MappingProxyType

from service.core.clock import Clock
from service.core.principal import Principal
from service.extension import Extension, Mounted
from service.providers.registry import Providers
from service.settings import Settings
from service.storage.database import Database
from tillgate_sandbox.building import build_sandbox
from tillgate_sandbox.demo_prices import put_demo_prices
from tillgate_sandbox.mailbox.receiving import address_of, listening, receiving
from tillgate_sandbox.mounted import PAGES, MountedSandbox
from tillgate_sandbox.reaching import reach_sandbox


class TheSandbox:
    """Plays the providers whose keys are generated, and adds a shop to try them with."""

    commands = MappingProxyType(
        {
            "send": "tillgate_sandbox.sending.command",
            "storm": "tillgate_sandbox.storm.command",
        }
    )
    pages = PAGES
    notice = (
        "Stripe, Razorpay and PhonePe are played by the sandbox: no account is needed. A provider "
        "whose real test keys you set in .env is the real one."
    )

    def settings(self, settings: Settings) -> Settings:
        """Return the settings with the adapters pointed at the sandbox."""
        return reach_sandbox(settings)

    async def prepare(self, by: Principal, now: datetime) -> None:
        """Put a few prices into an empty catalog."""
        await put_demo_prices(by, now)

    @asynccontextmanager
    async def receiving_mail(self, clock: Clock) -> AsyncIterator[str]:
        """Take mail into the mailbox."""
        with listening() as port:
            address = address_of(port)
            async with receiving(port, clock):
                yield address

    def mount(
        self, settings: Settings, clock: Clock, database: Database, providers: Providers
    ) -> Mounted:
        """Build the sandbox of one application."""
        return MountedSandbox(build_sandbox(settings, clock), database, frozenset(providers))


SANDBOX: Extension = TheSandbox()
