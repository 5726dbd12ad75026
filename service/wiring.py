"""The one place that wires: which documents exist, who handles what, what is built from what."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from msgspec import Struct

from service.analytics.operations.caching import Cache
from service.analytics.operations.services import FiguresServices
from service.analytics.operations.table import ABOUT as FIGURES_JOBS
from service.analytics.operations.table import figures_jobs
from service.analytics.operations.watching import unusual_conditions
from service.analytics.repository.shared_answers import answers_at
from service.bookkeeping.operations.table import ABOUT as BOOKKEEPING_JOBS
from service.bookkeeping.operations.table import bookkeeping_jobs
from service.core.clock import Clock, SystemClock
from service.core.rush import Rush
from service.effects.apply import apply, questions
from service.effects.ledger import brings
from service.effects.matching import named_by
from service.forecasts.operations.table import ABOUT as FORECAST_JOBS
from service.forecasts.operations.table import forecast_jobs
from service.inbox.operations.inbox import Inbox
from service.intents.operations.services import IntentServices
from service.intents.operations.table import ABOUT as INTENT_JOBS
from service.intents.operations.table import intent_jobs
from service.jobs.operations.job import About, Table, by_name
from service.jobs.operations.listing import list_jobs
from service.merchants.operations.merchants import Merchants
from service.migrations.operations import require_layout
from service.notifications.alerts.operations.condition import Condition
from service.notifications.alerts.operations.table import ABOUT as ALERT_JOBS
from service.notifications.alerts.operations.table import (
    alert_jobs,
    archive_condition,
    conditions_of,
)
from service.notifications.endpoints.operations.browse import disabled_endpoints
from service.notifications.endpoints.operations.fan_out import webhooks
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.mail.operations.compose import mail_subscriber
from service.notifications.mail.operations.digest import ABOUT as MAIL_JOBS
from service.notifications.mail.operations.digest import mail_jobs
from service.notifications.mail.operations.services import MailServices
from service.notifications.stream.operations.listening import Listeners
from service.outbox.documents import OutboxMessage
from service.outbox.operations.hearing import either
from service.outbox.operations.subscribers import Subscriber, Subscribers
from service.parts import (
    build_endpoints,
    build_intents,
    build_mail,
    build_refund_rules,
    build_rules,
)
from service.payments.disputes.operations.remind import ABOUT as DISPUTE_JOBS
from service.payments.disputes.operations.remind import dispute_jobs
from service.payments.history.operations.services import HistoryServices
from service.payments.refunds.operations.approve import REFUND
from service.payments.refunds.sending.send import send_by_message
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.sending.table import ABOUT as REFUND_JOBS
from service.payments.refunds.sending.table import refund_jobs
from service.payments.subscriptions.operations.hint import READ
from service.payments.subscriptions.sending.read import read_by_message
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.payments.subscriptions.sending.table import ABOUT as SUBSCRIPTION_JOBS
from service.payments.subscriptions.sending.table import subscription_jobs
from service.providers.registry import Providers, build_providers, refuse_blank
from service.queues import carried
from service.recovery.operations.looking import still_due
from service.recovery.operations.mailing import TEMPLATE
from service.recovery.operations.services import RecoveryServices
from service.recovery.operations.table import ABOUT as RECOVERY_JOBS
from service.recovery.operations.table import recovery_jobs
from service.reports.operations.refusing import reports_refused
from service.reports.operations.table import ABOUT as REPORT_JOBS
from service.reports.operations.table import report_jobs
from service.retention.operations.report import Jobs
from service.retention.operations.table import ABOUT as RETENTION_JOBS
from service.retention.operations.table import retention_jobs
from service.sessions.checkouts.attempts import close_attempt_by_message
from service.sessions.checkouts.capture import capture_by_message
from service.sessions.checkouts.close import close_by_message
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.operations.find_session import session_ids_of_email
from service.sessions.operations.moving.giving_up import CLOSE_ATTEMPT, CLOSE_CHECKOUT
from service.sessions.operations.reviewing.captures import CAPTURE
from service.sessions.operations.rules import Rules
from service.sessions.repository import find_followed
from service.settings import Settings, secrets_of
from service.storage.database import Client, Database, connect, require_replica_set
from service.storage.documents import bind
from service.storage.indexes import refuse_deadly_ttl
from service.stored import DOCUMENTS

ALL_JOBS: tuple[About, ...] = (
    *RETENTION_JOBS,
    *BOOKKEEPING_JOBS,
    *DISPUTE_JOBS,
    *REFUND_JOBS,
    *SUBSCRIPTION_JOBS,
    *MAIL_JOBS,
    *INTENT_JOBS,
    *RECOVERY_JOBS,
    *REPORT_JOBS,
    *FORECAST_JOBS,
    *FIGURES_JOBS,
    *ALERT_JOBS,
)
"""What is known of the jobs without a database: for the manifests of CronJobs."""


class Container(Struct, frozen=True):
    """Everything that handlers and jobs are given."""

    settings: Settings
    clock: Clock
    database: Database
    providers: Providers
    merchants: Merchants
    rules: Rules
    inbox: Inbox
    services: CheckoutServices
    history: HistoryServices
    figures: FiguresServices
    refunding: RefundServices
    mail: MailServices
    endpoints: EndpointServices
    listeners: Listeners
    subscribing: SubscriptionServices
    intents: IntentServices
    recovering: RecoveryServices
    jobs: Jobs
    job_table: Table
    conditions: tuple[Condition, ...]


def build_container(settings: Settings, clock: Clock, database: Database) -> Container:
    """Build everything from the settings. Nothing is connected or written."""
    refuse_blank(secrets_of(settings))
    providers, listeners = build_providers(settings.providers, clock), Listeners(clock)
    merchants, endpoints = Merchants(clock), build_endpoints(settings, clock)
    rules = build_rules(settings, providers, either(endpoints.endpoints.hears, listeners.hears))
    inbox = Inbox(
        providers=providers,
        clock=clock,
        keep_for=timedelta(days=settings.inbox.purge_events_days),
        questions=questions,
        apply=partial(apply, lifetimes=rules.lifetimes, heard=rules.heard),
        find_session=named_by,
        brings=brings,
        strip=settings.inbox.strip_payload_fields,
    )
    services = CheckoutServices(rules, clock, providers, inbox, merchants)
    refunding = RefundServices(build_refund_rules(settings, providers), clock, providers, inbox)
    mail = build_mail(settings, clock, {TEMPLATE: partial(still_due, clock)})
    subscribing = SubscriptionServices(clock, providers, inbox)
    told = (mail_subscriber(mail), webhooks(endpoints))
    subscribers = (*subscribers_of(services, refunding, subscribing), *told)
    intents = build_intents(settings, clock, merchants, find_followed, rules.heard)
    jobs = Jobs(services, subscribers, settings.access.peppers)
    recovering = RecoveryServices(clock, merchants, services, mail)
    figures = build_figures(settings, clock, merchants)
    watched = job_table(jobs, refunding, subscribing, intents, mail, recovering)
    watched = watched.joined_by(figures_jobs(figures))
    conditions = all_conditions(settings, clock, providers, watched)
    return Container(
        settings=settings,
        clock=clock,
        database=database,
        providers=providers,
        merchants=merchants,
        rules=rules,
        inbox=inbox,
        services=services,
        history=HistoryServices(clock, merchants, rules.default_currency, session_ids_of_email),
        figures=figures,
        refunding=refunding,
        subscribing=subscribing,
        intents=intents,
        recovering=recovering,
        mail=mail,
        endpoints=endpoints,
        listeners=listeners,
        jobs=jobs,
        job_table=watched.joined_by(alert_jobs(conditions, clock)),
        conditions=conditions,
    )


def all_conditions(
    settings: Settings, clock: Clock, providers: Providers, watched: Table
) -> tuple[Condition, ...]:
    """Return the conditions of alerts: about the service and its jobs, and about its figures."""
    listed = partial(list_jobs, watched)
    known = conditions_of(
        settings.alerts, clock, tuple(providers), listed, disabled_endpoints, reports_refused
    )
    archive = archive_condition(settings.alerts, settings.intents.archive_dir)
    return (*known, archive, *unusual_conditions())


def job_table(
    jobs: Jobs,
    refunding: RefundServices,
    subscribing: SubscriptionServices,
    intents: IntentServices,
    mail: MailServices,
    recovering: RecoveryServices,
) -> Table:
    """Return the table of all jobs but those of the figures, and that of the alerts.

    That one looks at how all others stand.
    The server, the commands, the routes and CronJobs run these.
    """
    clock = jobs.inbox.clock
    registered = (
        *retention_jobs(jobs),
        *bookkeeping_jobs(clock),
        *dispute_jobs(clock),
        *refund_jobs(refunding),
        *subscription_jobs(subscribing),
        *mail_jobs(mail),
        *intent_jobs(intents),
        *recovery_jobs(recovering),
        *report_jobs(clock),
        *forecast_jobs(clock),
    )
    return Table(by_name(registered), clock, jobs.stopping)


def subscribers_of(
    services: CheckoutServices, refunding: RefundServices, subscribing: SubscriptionServices
) -> Subscribers:
    """Return who hears the commands; whoever tells those outside hears the rest."""
    of_checkouts = partial(_hears, services=services)
    return (
        of_checkouts(CLOSE_CHECKOUT, close_by_message),
        of_checkouts(CLOSE_ATTEMPT, close_attempt_by_message),
        of_checkouts(CAPTURE, capture_by_message),
        _hears(REFUND, send_by_message, services=refunding),
        _hears(READ, read_by_message, services=subscribing),
    )


def _hears(
    topic: str,
    handle: Callable[..., Awaitable[None]],
    *,
    services: CheckoutServices | RefundServices | SubscriptionServices,
) -> Subscriber:
    return Subscriber(
        topic.removeprefix("provider."),
        frozenset({topic}),
        partial(handle, services=services),
        at_provider,
        always=True,
    )


def at_provider(message: OutboxMessage) -> str:
    """Return the provider that a message is for, as its destination."""
    return str(message.payload["provider"])


def build_figures(settings: Settings, clock: Clock, merchants: Merchants) -> FiguresServices:
    """Build what figures need. Raises `Misconfigured` for a REDIS_URL that can't be read."""
    answers = answers_at(settings.web.redis_url, settings.access.peppers, clock)
    currency = settings.sessions.default_currency
    return FiguresServices(clock, merchants, currency, Cache(answers, clock), Rush(carried))


@asynccontextmanager
async def connected(settings: Settings, uri: str, *, as_is: bool = False) -> AsyncIterator[Client]:
    """Connect, refuse what money can't be trusted to, bind the documents, disconnect at the end.

    `as_is`: whatever layout the database has, for those who mend it. Raises `Misconfigured` for a
    standalone server, for the layout of another version, and for an index that deletes what is
    still needed.
    """
    client = connect(uri)
    try:
        await require_replica_set(client)
        database = client[settings.database.name]
        await bind(database, DOCUMENTS)
        if not as_is:
            await require_layout(database, SystemClock())
            await refuse_deadly_ttl(database)
        yield client
    finally:
        await client.close()
