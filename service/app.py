"""The application: routes on the web layer, wired, with its loop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from litestar import Litestar
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from service.audit.controllers import AuditTrail
from service.background import background
from service.catalog.controllers import Catalog, Quotes
from service.catalog.operations.quote_id import Quoting
from service.core.clock import Clock, SystemClock
from service.dashboard.controllers import dashboard_routes
from service.dashboard.login.door import Door, build_door
from service.inbox.controllers import AdminWebhooks, Verification, Webhooks
from service.inbox.repository import COMMITS
from service.migrations.operations import difference
from service.retention.controllers import Cleanup, NamedJobs
from service.sessions.controllers import CheckoutSessions, PaymentSessions
from service.sessions.repository import INSERTS, LOADS
from service.settings import Settings
from service.storage.database import Database
from service.storage.group_commit.reading_along import reading_along
from service.storage.watchdog import Watchdog, watching
from service.timeline.controllers import Timelines
from service.web.edge import put_edge_around
from service.web.layer import web_layer
from service.wiring import DOCUMENTS, Wired, close_providers, wire
from tillgate_sandbox.building import prepare_sandbox, sandbox_routes
from tillgate_sandbox.calls.recording import recording
from tillgate_sandbox.delivering import delivering
from tillgate_sandbox.reaching import reach_sandbox
from tillgate_sandbox.shop.controllers import shop_routes

ROUTES = (
    PaymentSessions,
    CheckoutSessions,
    Verification,
    Timelines,
    Webhooks,
    AdminWebhooks,
    AuditTrail,
    Catalog,
    Quotes,
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

    In development the sandbox is mounted, and plays the providers whose keys are generated. Raises
    `Misconfigured` for settings that contradict each other. Without `loop` nothing runs in the
    background, and a test decides when it happens.
    """
    clock = clock or SystemClock()
    if not settings.production:
        settings = reach_sandbox(settings)
    wired = wire(settings, clock, database)
    door = build_door(settings, clock)
    watchdog = Watchdog(database, (INSERTS.queue, LOADS.queue, COMMITS.queue))

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(close_providers, wired.providers)
            stack.push_async_callback(door.refusals.aclose)
            if wired.sandbox is not None:
                await prepare_sandbox(database)
                stack.enter_context(recording(app, clock))
            if loop:
                await stack.enter_async_context(watching(watchdog))
                await stack.enter_async_context(
                    reading_along(database, (INSERTS.queue, COMMITS.queue))
                )
                await stack.enter_async_context(background(wired.jobs))
            if loop and wired.sandbox is not None:
                await stack.enter_async_context(delivering(wired.sandbox))
            yield

    app = Litestar(
        route_handlers=(*ROUTES, *_pages(wired, door)),
        dependencies=_dependencies(wired),
        lifespan=[lifespan],
        plugins=web_layer(settings, clock, database, DOCUMENTS, difference, lambda: watchdog.stuck),
        debug=False,
    )
    app.state.wired = wired
    app.state.door = door
    app.state.watchdog = watchdog
    app.state.desk = wired.desk
    return put_edge_around(app, settings)


def _pages(wired: Wired, door: Door) -> list[ControllerRouterHandler]:
    """Give the pages for people; the sandbox and the shop that shows it are for development."""
    has_sandbox = wired.sandbox is not None
    pages: list[ControllerRouterHandler] = [dashboard_routes(door, has_sandbox=has_sandbox)]
    if wired.sandbox is not None:
        pages += sandbox_routes(wired.sandbox)
        pages.append(shop_routes(wired.settings, frozenset(wired.providers)))
    return pages


def _dependencies(wired: Wired) -> dict[str, Provide]:
    quoting = Quoting(wired.rules.pepper, wired.rules.default_currency)
    return {
        "quoting": Provide(lambda: quoting, sync_to_thread=False),
        "clock": Provide(lambda: wired.clock, sync_to_thread=False),
        "inbox": Provide(lambda: wired.inbox, sync_to_thread=False),
        "jobs": Provide(lambda: wired.jobs, sync_to_thread=False),
    }
