"""A played PhonePe on loopback, and our own adapter as its client."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
import pytest_asyncio
from httpx import AsyncClient

from service.core.clock import ManualClock
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.phonepe.settings import PhonePeSettings
from service.storage.database import Database
from tests.sandbox.played import Stage, emptied, sandbox_of, stage, standing
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.phonepe.controllers import ROUTES
from tillgate_sandbox.phonepe.events import PlayedPhonePe
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


@dataclass(frozen=True)
class Played:
    """The sandbox, a plain HTTP client, and the adapter that calls it."""

    sandbox: Sandbox
    phonepe: PlayedPhonePe
    adapter: PhonePeProvider
    http: AsyncClient
    clock: ManualClock

    async def let(self, ref: str, *happenings: Happening, **how: str) -> SandboxCheckout:
        """Let things happen to a checkout, one after the other."""
        checkout = await standing(ref)
        for happening in happenings:
            checkout = await happen(checkout, happening, self.sandbox, **how)  # type: ignore[arg-type]
        return checkout

    def client(self, **changed: object) -> PhonePeProvider:
        """An adapter with other settings, which the caller closes."""
        own = self.settings.model_copy(update={"api_base": str(self.http.base_url), **changed})
        return PhonePeProvider(own, self.clock)

    @property
    def settings(self) -> PhonePeSettings:
        """The merchant's settings."""
        return self.sandbox.settings.of(PhonePeSettings)

    async def token(self) -> dict[str, str]:
        """Return the header with a good token."""
        answer = await self.http.post("/v1/oauth/token", data=self.credentials())
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"O-Bearer {answer.json()['access_token']}"}

    def credentials(self) -> dict[str, str]:
        """Return the form of the token call."""
        return {
            "client_id": self.settings.client_id or "",
            "client_secret": self.settings.client_secret or "",
            "client_version": self.settings.client_version,
            "grant_type": "client_credentials",
        }


Serving = Callable[..., AbstractAsyncContextManager[Played]]


@pytest_asyncio.fixture
async def played(serve: Serving) -> AsyncIterator[Played]:
    """A played PhonePe whose merchant has set up webhooks of v2."""
    async with serve() as one:
        yield one


@pytest_asyncio.fixture
async def played_v1(serve: Serving) -> AsyncIterator[Played]:
    """One whose merchant has a salt only, so that it sends callbacks of v1."""
    async with serve(PHONEPE_WEBHOOK_USERNAME="", PHONEPE_WEBHOOK_PASSWORD="") as one:
        yield one


@pytest_asyncio.fixture(scope="session")
async def phonepe_stage(indexed_database: Database) -> AsyncIterator[Stage]:
    """PhonePe's routes, served."""
    async with stage(ROUTES, indexed_database) as served:
        yield served


@pytest.fixture
def serve(phonepe_stage: Stage, database: Database, clock: ManualClock) -> Serving:
    """Play a PhonePe that knows nothing yet, with some variables changed."""

    @asynccontextmanager
    async def serve(**variables: str) -> AsyncIterator[Played]:
        await emptied(database)
        settings = make_settings(**variables)
        phonepe = PlayedPhonePe(settings)
        phonepe_stage.sandbox = sandbox = sandbox_of(settings, clock, phonepe)
        base = f"{phonepe_stage.address}/sandbox/phonepe"
        own = settings.of(PhonePeSettings).model_copy(update={"api_base": base})
        adapter = PhonePeProvider(own, clock)
        async with AsyncClient(base_url=base, trust_env=False, timeout=IN_TIME) as http:
            yield Played(sandbox, phonepe, adapter, http, clock)
        await adapter.aclose()

    return serve
