"""A played Razorpay on loopback, and our own adapter as its client."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest_asyncio
from httpx import AsyncClient, BasicAuth

from service.core.clock import ManualClock
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.razorpay.settings import RazorpaySettings
from service.storage.database import Database
from tests.sandbox.played import Stage, emptied, sandbox_of, stage, standing
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.razorpay.events import PlayedRazorpay
from tillgate_sandbox.razorpay.routes import ROUTES
from tillgate_sandbox.states import Happening


@dataclass(frozen=True)
class Played:
    """The sandbox, its HTTP client with the right key, and the adapter that calls it."""

    sandbox: Sandbox
    razorpay: PlayedRazorpay
    adapter: RazorpayProvider
    http: AsyncClient
    clock: ManualClock

    async def let(self, ref: str, *happenings: Happening, **how: str) -> SandboxCheckout:
        """Let things happen to a checkout, one after the other."""
        checkout = await standing(ref)
        for happening in happenings:
            checkout = await happen(checkout, happening, self.sandbox, **how)  # type: ignore[arg-type]
        return checkout


@pytest_asyncio.fixture(scope="session")
async def razorpay_stage(indexed_database: Database) -> AsyncIterator[Stage]:
    """Razorpay's routes, served."""
    async with stage(ROUTES, indexed_database) as served:
        yield served


@pytest_asyncio.fixture
async def played(
    razorpay_stage: Stage, database: Database, clock: ManualClock
) -> AsyncIterator[Played]:
    """A played Razorpay that knows nothing yet."""
    await emptied(database)
    settings = make_settings()
    razorpay = PlayedRazorpay(settings)
    razorpay_stage.sandbox = sandbox = sandbox_of(settings, clock, razorpay)
    base = f"{razorpay_stage.address}/sandbox/razorpay"
    own = settings.of(RazorpaySettings).model_copy(update={"api_base": base})
    adapter = RazorpayProvider(own, clock)
    auth = BasicAuth(own.key_id or "", own.key_secret or "")
    async with AsyncClient(
        base_url=f"{base}/v1", auth=auth, trust_env=False, timeout=IN_TIME
    ) as http:
        yield Played(sandbox, razorpay, adapter, http, clock)
    await adapter.aclose()
