"""Which documents exist: each has its collection, its indexes and its checks."""

from service.analytics.documents import (
    CacheState,
    CohortSums,
    CustomerDay,
    DayRollup,
    DirtyBucket,
    Fact,
    FiguresState,
    HoursState,
    MonthRollup,
    Rebuild,
    Rollup,
    TrackedEvent,
    UnusualHour,
)
from service.audit.documents import AuditEntry
from service.catalog.documents import Coupon, Price
from service.forecasts.documents import Forecast
from service.inbox.documents import WebhookEvent, WebhookRejection
from service.intents.documents import PaymentIntent
from service.jobs.documents import JobRun, JobState
from service.leases.documents import Lease
from service.merchants.documents import Merchant
from service.migrations.documents import Migration
from service.notifications.alerts.documents import Alert, TrafficMinute
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.mail.documents import MailMessage, MailSuppression, MailTemplate
from service.outbox.documents import Birth, Delivery, OutboxMessage
from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.entries.documents import Entry
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.payments.subscriptions.documents import Subscription
from service.recovery.documents import Recovery, RecoveryPolicy
from service.reports.documents import ClosedReport, Refusal
from service.sessions.documents import Session
from service.storage.database import Database
from service.storage.documents import StoredDocument
from service.storage.indexes import Drift, find_drift
from service.web.idempotency.documents import IdempotencyKey
from service.web.keys.documents import ApiKey
from service.web.sign_ins.documents import SignIn

DOCUMENTS: tuple[type[StoredDocument], ...] = (
    Session,
    WebhookEvent,
    WebhookRejection,
    Payment,
    Attempt,
    Refund,
    Dispute,
    Subscription,
    Entry,
    OutboxMessage,
    Delivery,
    Birth,
    MailMessage,
    MailSuppression,
    MailTemplate,
    WebhookEndpoint,
    WebhookDelivery,
    AuditEntry,
    Merchant,
    Price,
    Coupon,
    ApiKey,
    SignIn,
    PaymentIntent,
    Recovery,
    RecoveryPolicy,
    IdempotencyKey,
    Lease,
    JobState,
    JobRun,
    Alert,
    TrafficMinute,
    Fact,
    DirtyBucket,
    Rollup,
    CustomerDay,
    DayRollup,
    MonthRollup,
    FiguresState,
    Rebuild,
    CacheState,
    TrackedEvent,
    ClosedReport,
    Refusal,
    Forecast,
    UnusualHour,
    HoursState,
    CohortSums,
    Migration,
)


async def drift_of(database: Database) -> list[Drift]:
    """Compare the indexes that all documents declare with those that there are; change nothing."""
    return await find_drift(database, DOCUMENTS)
