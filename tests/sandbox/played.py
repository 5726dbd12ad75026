"""A sandbox for tests: served on loopback, its webhooks kept in hand."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from litestar import Controller, Litestar
from litestar.di import Provide

from service.core.clock import Clock, SystemClock
from service.providers.base import CheckoutRequest
from service.settings import Settings
from service.storage.database import Database
from service.stored import DOCUMENTS as WIRED
from service.web.edge import put_edge_around
from service.web.health import Readiness
from service.web.layer import web_layer
from tests.sandbox.lab import empty_sandbox
from tests.support.settings import make_settings
from tests.web.serving import serving
from tillgate_sandbox import repository
from tillgate_sandbox.base import MadeEvent, Played, Sandbox
from tillgate_sandbox.building import prepare_sandbox
from tillgate_sandbox.documents import SandboxCheckout


async def emptied(database: Database) -> None:
    """Empty what the sandbox remembers."""
    await empty_sandbox(database)


def sandbox_of(settings: Settings, clock: Clock, played: Played) -> Sandbox:
    """A sandbox of one provider; nothing listens where it would deliver to."""
    return Sandbox(settings, clock, "http://127.0.0.1:9", {played.name: played})


@dataclass
class Stage:
    """An application with a played provider's routes, served once for many tests.

    `sandbox` is what it plays now. To serve it anew for each test took most of the time.
    """

    address: str
    sandbox: Sandbox | None = None


@asynccontextmanager
async def stage(routes: Sequence[type[Controller]], database: Database) -> AsyncIterator[Stage]:
    """Serve a stage."""
    await prepare_sandbox(database)
    settings, clock = make_settings(), SystemClock()
    found = Stage("")
    app = Litestar(
        route_handlers=routes,
        dependencies={"sandbox": Provide(lambda: found.sandbox, sync_to_thread=False)},
        plugins=web_layer(settings, clock, Readiness(database, WIRED, clock)),
    )
    async with serving(put_edge_around(app, settings)) as address:
        found.address = address
        yield found


def checkout_request(until: datetime, **changed: object) -> CheckoutRequest:
    """A request to open a payment session's checkout; some fields changed."""
    given: dict[str, object] = {
        "session_id": "ps_1",
        "merchant_id": "default",
        "attempt_id": "ps_1",
        "idempotency_key": "ps_1:1",
        "kind": "payment",
        "mode": "payment",
        "amount": 29900,
        "currency": "INR",
        "quantity": 1,
        "description": "A pass",
        "expires_at": until,
        "success_url": "https://shop.example/thanks",
        "cancel_url": "https://shop.example/cart",
        "email": "asha@example.com",
    }
    return CheckoutRequest(**{**given, **changed})  # type: ignore[arg-type]


async def told(checkout_id: str) -> list[MadeEvent]:
    """Return the events that were put on their way about a checkout, in their order."""
    checkout = await standing(checkout_id)
    found = await repository.deliveries_of(checkout.session_id)
    return [
        MadeEvent(one.type, one.event_id, one.body)
        for one in sorted(found, key=lambda one: one.due_at)
        if one.checkout_id == checkout_id
    ]


async def standing(checkout_id: str) -> SandboxCheckout:
    """Return a checkout as it stands."""
    found = await repository.find_checkout(checkout_id)
    assert found is not None
    return found
