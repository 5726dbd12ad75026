"""The application: routes on the web layer, wired, with its loop."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.di import Provide

from service.audit.controllers import AuditTrail
from service.background import background
from service.catalog.controllers import Catalog
from service.core.clock import Clock, SystemClock
from service.retention.controllers import Cleanup, NamedJobs
from service.sessions.controllers import CheckoutSessions, PaymentSessions
from service.settings import Settings
from service.storage.database import Database
from service.timeline.controllers import Timelines
from service.web.edge import put_edge_around
from service.web.layer import web_layer
from service.webhooks.controllers import AdminWebhooks, Verification, Webhooks
from service.wiring import DOCUMENTS, Wired, close_providers, wire

ROUTES = (
    PaymentSessions,
    CheckoutSessions,
    Verification,
    Timelines,
    Webhooks,
    AdminWebhooks,
    AuditTrail,
    Catalog,
    Cleanup,
    NamedJobs,
)


def create_app(
    settings: Settings,
    database: Database,
    *,
    clock: Clock | None = None,
    loop: bool = True,
) -> Litestar:
    """Build the application on a database whose documents are bound.

    Raises `Misconfigured` for settings that contradict each other. Without `loop` nothing runs in
    the background, and a test decides when it happens.
    """
    clock = clock or SystemClock()
    wired = wire(settings, clock, database)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        try:
            if loop:
                async with background(wired.jobs):
                    yield
            else:
                yield
        finally:
            await close_providers(wired.providers)

    app = Litestar(
        route_handlers=ROUTES,
        dependencies=_dependencies(wired),
        lifespan=[lifespan],
        plugins=web_layer(settings, clock, database, DOCUMENTS),
        debug=False,
    )
    app.state.wired = wired
    return put_edge_around(app, settings.web)


def _dependencies(wired: Wired) -> dict[str, Provide]:
    return {
        "clock": Provide(lambda: wired.clock, sync_to_thread=False),
        "rules": Provide(lambda: wired.rules, sync_to_thread=False),
        "desk": Provide(lambda: wired.desk, sync_to_thread=False),
        "inbox": Provide(lambda: wired.inbox, sync_to_thread=False),
        "jobs": Provide(lambda: wired.jobs, sync_to_thread=False),
    }
