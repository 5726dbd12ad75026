"""The whole lab on loopback: the service and the providers that it plays, served by uvicorn."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from litestar import Litestar

from service.app import create_app
from service.core.clock import Clock, ManualClock, SystemClock
from service.providers.registry import Providers, close_providers
from service.storage.database import Database
from tests.support.api import Api
from tests.support.built import build, forget_handlers
from tests.support.emptied import emptied
from tests.support.ports import held_port
from tests.support.settings import make_settings
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.delivering import deliver_due
from tillgate_sandbox.documents import SandboxCheckout, SandboxDelivery
from tillgate_sandbox.extension import SANDBOX
from tillgate_sandbox.playing import expire_due
from tillgate_sandbox.settling import settle_due
from tillgate_sandbox.stored import SANDBOX_DOCUMENTS
from tillgate_sandbox.storm.served import served

STRIPE_KEY = "sk_test_dev_0123456789"
"""Generated for development, so that the sandbox plays Stripe."""

GENERATED = {
    "STRIPE_SECRET_KEY": STRIPE_KEY,
    "RAZORPAY_KEY_ID": "rzp_test_dev_0123456789",
    "PHONEPE_CLIENT_ID": "client_dev_0123456789",
    "STRIPE_API_BASE": "",
    "RAZORPAY_API_BASE": "",
    "PHONEPE_API_BASE": "",
}


@dataclass(frozen=True, slots=True)
class Lab:
    """A running lab. Nothing is delivered by itself: `deliver` posts what is due, in process."""

    address: str
    app: Litestar
    api: Api
    sandbox: Sandbox

    async def open(self, **fields: Any) -> tuple[dict[str, Any], SandboxCheckout]:
        """Open a session with a checkout, as a merchant does; return both."""
        body = {
            "userId": "user_123",
            "eventId": "event_456",
            "amount": 1000,
            "currency": "USD",
            "quantity": 1,
            "paymentMethod": "stripe",
        } | fields
        answer = await self.api.call("POST", "/api/payments/create-checkout", json=body)
        assert answer.status_code in {200, 201}, answer.text
        opened: dict[str, Any] = answer.json()
        checkout = await repository.find_checkout(opened["providerSessionId"])
        assert checkout is not None
        return opened, checkout

    async def checkout(self, checkout_id: str) -> SandboxCheckout:
        """Read a checkout at the provider."""
        found = await repository.find_checkout(checkout_id)
        assert found is not None
        return found

    async def deliver(self) -> int:
        """Post what is due now, until nothing is."""
        posted = 0
        while tried := await deliver_due(self.sandbox, self.api.http):
            posted += tried
        return posted

    async def deliver_all(self) -> None:
        """Move the clock from delivery to delivery until nothing is on its way."""
        clock = self.sandbox.clock
        assert isinstance(clock, ManualClock)
        await self.deliver()
        while (due_at := await self._next()) is not None:
            clock.advance(max(due_at - clock.now(), timedelta(milliseconds=1)))
            await expire_due(self.sandbox)
            await settle_due(self.sandbox)
            await self.deliver()
            await self.api.settle()

    async def _next(self) -> datetime | None:
        """Return when a delivery, or a refund that goes on, is due next."""
        due = [await repository.next_due_at(), await repository.next_refund_at()]
        return min((at for at in due if at is not None), default=None)

    async def deliveries(self, session_id: str) -> list[SandboxDelivery]:
        """Return the deliveries about a session."""
        return await repository.deliveries_of(session_id)


async def empty_sandbox(database: Database) -> None:
    """Forget what an earlier sandbox left; an application makes the collections that it needs."""
    await emptied(database, SANDBOX_DOCUMENTS)


@asynccontextmanager
async def standing_lab(
    database: Database, clock: ManualClock
) -> AsyncIterator[Callable[[], Awaitable[Lab]]]:
    """Serve one lab for many tests; the call gives it to the next one, put back as it was built."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        built = build(make_settings(**{"PUBLIC_URL": address, **GENERATED}), database, clock)
        app = built.app
        transport = ASGITransport(app, raise_app_exceptions=False)
        http = AsyncClient(transport=transport, base_url="http://testserver")

        async def put_back() -> Lab:
            await empty_sandbox(database)
            built.put_back()
            await app.state.container.endpoints.endpoints.refresh(0)
            http.cookies.clear()
            return Lab(address, app, Api(http, app.state.container), app.state.mounted.sandbox)

        async with served(app, listening), http:
            yield put_back


@asynccontextmanager
async def standing_shop(
    database: Database,
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[Lab]]]:
    """Build one lab on the real clock; the call serves it, with its loops, as it was built."""
    with held_port() as port:
        address = f"http://127.0.0.1:{port}"
        settings = make_settings(**{"PUBLIC_URL": address, **GENERATED})
        built = build(settings, database, SystemClock(), loop=True)
        app, providers = built.app, built.app.state.container.providers

        @asynccontextmanager
        async def serve() -> AsyncIterator[Lab]:
            await empty_sandbox(database)
            built.put_back()
            transport = ASGITransport(app, raise_app_exceptions=False)
            with socket.create_server(("127.0.0.1", port)) as listening, _left_open(providers):
                async with (
                    served(app, listening),
                    AsyncClient(transport=transport, base_url="http://testserver") as http,
                ):
                    yield Lab(
                        address, app, Api(http, app.state.container), app.state.mounted.sandbox
                    )

        yield serve
        await close_providers(providers)


@contextmanager
def _left_open(providers: Providers) -> Iterator[None]:
    """Have adapters keep their connections, which a server closes for good when it ends."""

    async def nothing() -> None:
        """Close nothing."""

    with pytest.MonkeyPatch.context() as patch:
        for provider in providers.values():
            patch.setattr(provider, "aclose", nothing)
        yield


@asynccontextmanager
async def running_lab(
    database: Database, clock: Clock, *, loop: bool = False, emptied: bool = True, **variables: str
) -> AsyncIterator[Lab]:
    """Serve the application on a free port of the loopback."""
    if emptied:
        await empty_sandbox(database)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = make_settings(**{"PUBLIC_URL": address, **GENERATED, **variables})
        app = create_app(settings, database, clock=clock, loop=loop, extension=SANDBOX)
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with (
            served(app, listening),
            AsyncClient(transport=transport, base_url="http://testserver") as http,
        ):
            yield Lab(address, app, Api(http, app.state.container), app.state.mounted.sandbox)
    forget_handlers()
