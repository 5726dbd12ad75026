"""The application: routes on the web layer, over the container, with its loop."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.types import ControllerRouterHandler

from service.analytics.controllers import ROUTES as FIGURES
from service.analytics.operations.catching_up import catching_up
from service.analytics.operations.warming import warming
from service.audit.controllers import AuditTrail
from service.background import background
from service.catalog.controllers import Catalog, Quotes
from service.catalog.operations.quote_id import QuoteSettings
from service.core.clock import Clock, SystemClock
from service.core.errors import Misconfigured, Unavailable
from service.dashboard.controllers import dashboard_routes
from service.dashboard.login.services import LoginServices, build_login
from service.extension import Extension, Mounted
from service.forecasts.controllers import Forecasts
from service.inbox.controllers import AdminWebhooks, Webhooks
from service.inbox.operations.figures import event_figures
from service.inbox.repository import COMMITS
from service.intents.controllers import IntentCleanup, IntentQueries, Intents
from service.jobs.controllers import NamedJobs
from service.jobs.operations.begin import ending_with
from service.jobs.operations.by_the_clock import by_the_clock
from service.jobs.operations.figures import job_figures
from service.leases.loops import beside, repeat
from service.merchants.controllers import AdminMerchants
from service.migrations.operations import difference
from service.notifications.alerts.controllers import AdminAlerts
from service.notifications.alerts.operations.browse import alert_figures
from service.notifications.endpoints.controllers import WebhookEndpoints
from service.notifications.endpoints.operations.figures import endpoint_figures
from service.notifications.endpoints.sending.look_out import sending
from service.notifications.mail.controllers import (
    AdminMail,
    AdminMailTemplates,
    AdminSuppressions,
    Unsubscribing,
)
from service.notifications.mail.operations.figures import mail_figures
from service.notifications.mail.sending.loop import sending_mail
from service.notifications.stream.controllers import EventStream
from service.notifications.stream.operations.listening import READ_EVERY_S as LISTENERS_READ_EVERY_S
from service.notifications.stream.operations.streams import Streams, ending_streams
from service.outbox.controllers import AdminDeliveries
from service.outbox.operations.figures import outbox_figures
from service.payments.history.controllers import Disputes, PaymentHistory
from service.payments.refunds.controllers import Refunds
from service.payments.subscriptions.controllers import Subscriptions
from service.providers.registry import close_providers
from service.queues import QUEUES, carried
from service.recovery.controllers import ASSETS as RESUME_ASSETS
from service.recovery.controllers import AdminRecovery, ResumePage
from service.reports.controllers import REPORTS
from service.retention.controllers import Cleanup
from service.retention.operations.purging import overdue_figures
from service.reviews.controllers import AdminReviews
from service.sessions.controllers import CheckoutSessions, PaymentSessions, Verification
from service.sessions.repository import INSERTS
from service.settings import Settings
from service.storage.database import Database
from service.storage.figures import sampling, stored_figures
from service.storage.group_commit.reading_along import reading_along
from service.storage.watchdog import Watchdog, watching
from service.stored import DOCUMENTS
from service.timeline.controllers import AnyIds, DisputeEvidence, Timelines
from service.web.edge import put_edge_around
from service.web.health import Readiness
from service.web.layer import web_layer
from service.web.limits.addresses import Addresses
from service.web.metrics.controllers import metrics_route
from service.wiring import Container, build_container

ROUTES = (
    PaymentSessions,
    CheckoutSessions,
    Verification,
    PaymentHistory,
    Disputes,
    AnyIds,
    DisputeEvidence,
    Refunds,
    Subscriptions,
    Intents,
    IntentQueries,
    IntentCleanup,
    Timelines,
    Webhooks,
    AdminWebhooks,
    AdminDeliveries,
    WebhookEndpoints,
    AdminReviews,
    AdminAlerts,
    AdminMail,
    AdminMailTemplates,
    AdminSuppressions,
    Unsubscribing,
    AdminRecovery,
    ResumePage,
    RESUME_ASSETS.route(),
    AuditTrail,
    AdminMerchants,
    Catalog,
    Quotes,
    Cleanup,
    NamedJobs,
    EventStream,
    *FIGURES,
    *REPORTS,
    Forecasts,
)


def create_app(
    settings: Settings,
    database: Database,
    *,
    clock: Clock | None = None,
    loop: bool = True,
    extension: Extension | None = None,
) -> Litestar:
    """Build the application on a database whose documents are bound.

    An `extension` is for development; it may point adapters at itself. Raises `Misconfigured` for
    settings that contradict each other. Without `loop` nothing runs in the background, and a test
    decides when it happens.
    """
    clock = clock or SystemClock()
    settings = _extended(extension, settings)
    container = build_container(settings, clock, database)
    mounted = _mounted(extension, settings, container)
    login = build_login(settings, clock, container.merchants)
    watchdog = Watchdog(database, QUEUES)
    streams = Streams(container.jobs.stopping, container.listeners)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(close_providers, container.providers)
            stack.push_async_callback(login.refusals.aclose)
            stack.push_async_callback(container.figures.cache.answers.close)
            await stack.enter_async_context(ending_with(container.job_table))
            await stack.enter_async_context(ending_streams(streams))
            await _know_the_endpoints(container)
            if loop:
                await stack.enter_async_context(_loops(container, watchdog))
            if mounted is not None:
                await stack.enter_async_context(mounted.lifespan(app, loop=loop))
            yield

    app = Litestar(
        route_handlers=(*ROUTES, _metrics(container), *_pages(settings, login, mounted)),
        dependencies=_dependencies(container),
        lifespan=[lifespan],
        plugins=web_layer(
            settings,
            clock,
            Readiness(database, DOCUMENTS, clock, difference),
            lambda: watchdog.stuck,
            container.merchants.admit,
        ),
        debug=False,
    )
    app.state.login = login
    app.state.watchdog, app.state.streams = watchdog, streams
    app.state.mounted = mounted
    app.state.addresses = Addresses(settings.web.trusted_proxies)
    _share(app, container)
    return put_edge_around(app, settings)


def _share(app: Litestar, container: Container) -> None:
    """Have handlers find what they need."""
    app.state.container = container
    app.state.services = container.services
    app.state.history = container.history
    app.state.figures = container.figures
    app.state.refunding = container.refunding
    app.state.mail = container.mail
    app.state.endpoints = container.endpoints
    app.state.subscribing = container.subscribing
    app.state.intents = container.intents
    app.state.recovering = container.recovering


def _metrics(container: Container) -> HTTPRouteHandler:
    """Build /metrics, and what it asks of the database."""
    figures = (
        partial(stored_figures, container.database, DOCUMENTS),
        partial(event_figures, container.clock),
        partial(outbox_figures, container.clock),
        partial(job_figures, container.job_table),
        partial(alert_figures, container.conditions),
        partial(endpoint_figures, container.clock),
        partial(mail_figures, container.clock),
        partial(overdue_figures, container.clock),
    )
    return metrics_route(container.settings, figures)


async def _know_the_endpoints(container: Container) -> None:
    """Read who hears payments: until that is known, each of them is told."""
    with suppress(Unavailable):
        await container.endpoints.endpoints.refresh()


@asynccontextmanager
async def _loops(container: Container, watchdog: Watchdog) -> AsyncIterator[None]:
    """Do what a serving process does by itself, for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(watching(watchdog))
        await stack.enter_async_context(sampling(container.database.client, QUEUES))
        if not container.settings.production:
            await stack.enter_async_context(_for_development(container))
        await stack.enter_async_context(sending_mail(container.mail))
        await stack.enter_async_context(
            sending(container.endpoints, container.jobs.stopping, carried)
        )
        listened = partial(repeat, container.listeners.refresh, LISTENERS_READ_EVERY_S)
        await stack.enter_async_context(beside(listened, "tillgate-listeners"))
        await stack.enter_async_context(warming(container.figures.cache))
        await stack.enter_async_context(catching_up(container.job_table))
        await stack.enter_async_context(background(container.jobs))
        yield


@asynccontextmanager
async def _for_development(container: Container) -> AsyncIterator[None]:
    """Do what a set of several members does by itself, and what CronJobs do."""
    async with (
        reading_along(container.database, (INSERTS.queue, COMMITS.queue)),
        by_the_clock(container.job_table),
    ):
        yield


def _extended(extension: Extension | None, settings: Settings) -> Settings:
    """Return the settings as an extension wants them. Raises `Misconfigured` in production."""
    if extension is None:
        return settings
    if settings.production:
        raise Misconfigured("ENVIRONMENT is production: there is no extension for it.")
    return extension.settings(settings)


def _mounted(
    extension: Extension | None, settings: Settings, container: Container
) -> Mounted | None:
    """Return what an extension adds, where there is one."""
    if extension is None:
        return None
    return extension.mount(settings, container.clock, container.database, container.providers)


def _pages(
    settings: Settings, login: LoginServices, mounted: Mounted | None
) -> list[ControllerRouterHandler]:
    """Return the pages for people, with those of an extension."""
    extended = mounted.routes if mounted is not None else ()
    home, guide = settings.web.public_url, not settings.production
    return [dashboard_routes(home, login, mounted, guide=guide), *extended]


def _dependencies(container: Container) -> dict[str, Provide]:
    quote_settings = QuoteSettings(container.rules.pepper, container.rules.default_currency)
    return {
        "quote_settings": Provide(lambda: quote_settings, sync_to_thread=False),
        "merchants": Provide(lambda: container.merchants, sync_to_thread=False),
        "clock": Provide(lambda: container.clock, sync_to_thread=False),
        "inbox": Provide(lambda: container.inbox, sync_to_thread=False),
        "job_table": Provide(lambda: container.job_table, sync_to_thread=False),
    }
