"""One record for one shape: what a view shows, its document has, or it is named as computed."""

import pkgutil
from importlib import import_module

import pytest
from msgspec import Struct
from pydantic import BaseModel

import service
import tillgate_sandbox
from service.audit import controllers as audit
from service.audit.documents import AuditEntry
from service.catalog import schemas as catalog
from service.catalog.documents import Coupon, Price
from service.inbox import schemas as inbox
from service.inbox.documents import Decision, WebhookEvent, WebhookRejection
from service.intents.documents import Agent, PaymentIntent
from service.intents.schemas import answers as intents
from service.jobs import schemas as jobs
from service.jobs.documents import JobRun
from service.merchants import schemas as merchants
from service.merchants.documents import Merchant, Suspension
from service.notifications.alerts import schemas as alerts
from service.notifications.alerts.documents import Alert
from service.notifications.endpoints import schemas as endpoints
from service.notifications.endpoints.documents import (
    Disabled,
    SigningSecret,
    Try,
    WebhookDelivery,
    WebhookEndpoint,
)
from service.notifications.mail import schemas as mail
from service.notifications.mail.documents import MailMessage, MailSuppression
from service.outbox import schemas as outbox
from service.outbox.documents import Delivery
from service.payments.disputes.documents import Dispute
from service.payments.history.schemas import ledger as history
from service.payments.payments.documents import Payment
from service.payments.refunds import schemas as refunds
from service.payments.refunds.documents import Refund
from service.payments.subscriptions import schemas as subscriptions
from service.payments.subscriptions.documents import Subscription
from service.providers.base import CheckoutRequest
from service.recovery import schemas as recovery
from service.recovery.documents import Recovery, RecoveryPolicy
from service.reports.documents import ClosedReport
from service.reports.schemas import monthly as reports
from service.reviews import schemas as reviews
from service.sessions.documents import HistoryEntry, Review, Session
from service.sessions.operations.opening.new_session import NewSession
from service.sessions.schemas import answers
from service.storage.new_rows import stored_names
from service.timeline import schemas as timeline
from tillgate_sandbox.documents import Happened, SandboxCheckout
from tillgate_sandbox.pages import views as sandbox

View = type[Struct]

# A view -> what it is of, and which of its fields are computed.
VIEWS: dict[View, tuple[type[BaseModel], frozenset[str]]] = {
    alerts.AlertView: (Alert, frozenset()),
    audit.AuditEntryView: (AuditEntry, frozenset()),
    catalog.CouponView: (Coupon, frozenset()),
    catalog.PriceView: (Price, frozenset()),
    history.DisputeView: (Dispute, frozenset({"dispute_id"})),
    history.PaymentView: (
        Payment,
        frozenset(
            {"payment_id", "refund_state", "method_details", "country", "refunds", "attempts"}
            | {"fee", "net"}
        ),
    ),
    inbox.DecisionView: (Decision, frozenset()),
    inbox.EventView: (WebhookEvent, frozenset()),
    inbox.RejectionView: (WebhookRejection, frozenset()),
    intents.AgentView: (Agent, frozenset()),
    intents.IntentView: (PaymentIntent, frozenset()),
    recovery.PolicyView: (RecoveryPolicy, frozenset()),
    recovery.RecoveryView: (Recovery, frozenset()),
    jobs.RunView: (JobRun, frozenset({"counts"})),
    merchants.MerchantView: (Merchant, frozenset()),
    merchants.SuspensionView: (Suspension, frozenset()),
    mail.MailView: (MailMessage, frozenset()),
    mail.SuppressionView: (MailSuppression, frozenset()),
    endpoints.DisabledView: (Disabled, frozenset()),
    endpoints.EndpointView: (WebhookEndpoint, frozenset()),
    endpoints.SecretView: (SigningSecret, frozenset()),
    endpoints.SentView: (WebhookDelivery, frozenset()),
    endpoints.TryView: (Try, frozenset()),
    outbox.DeliveryView: (Delivery, frozenset()),
    reports.ReportView: (ClosedReport, frozenset()),
    refunds.RefundView: (Refund, frozenset()),
    subscriptions.SubscriptionView: (
        Subscription,
        frozenset({"subscription_id", "next_renewal", "next_try"}),
    ),
    reviews.ReviewItem: (WebhookEvent, frozenset({"decisions", "why", "payments"})),
    answers.HistoryView: (HistoryEntry, frozenset()),
    answers.ReviewView: (Review, frozenset()),
    answers.SessionView: (Session, frozenset({"payment_method"})),
    sandbox.HappenedView: (Happened, frozenset({"text"})),
    sandbox.CheckoutView: (
        SandboxCheckout,
        frozenset(
            {"price", "status_name", "tone", "can", "deliveries", "untried"}
            | {"handed_over", "has_own_chaos"}
        ),
    ),
}
# What else is converted from a session -> what it has that the session has not.
OF_A_SESSION: dict[View, frozenset[str]] = {
    answers.CheckoutAnswer: frozenset({"client_secret", "qr_code", "checkout_script"}),
    CheckoutRequest: frozenset(
        {"attempt_id", "idempotency_key", "description", "customer_id", "repeated", "plan_price"}
    ),
    NewSession: frozenset({"request_hash", "price", "quote_id"}),
}
# Made of several things, or of something that is not stored.
OF_NO_DOCUMENT: set[View] = {
    catalog.QuoteView,
    intents.PageView,
    intents.StatsView,
    jobs.JobView,
    mail.MailTemplateView,
    recovery.ArmView,
    recovery.DifferenceView,
    recovery.LiftView,
    recovery.MoneyView,
    recovery.ReminderMailView,
    recovery.ViaView,
    reviews.DoubtView,
    timeline.TimelineEntry,
}


def _strangers(view: View, model: type[BaseModel], computed: frozenset[str]) -> set[str]:
    """Return what a view shows that neither its document has nor anybody computes.

    A field has the same name in both, and on the wire the one that it has in the database, since
    rows are shown as they were read; `_id` is `id` there.
    """
    stored = stored_names(model) | {"id": "id"}
    shown = zip(view.__struct_fields__, view.__struct_encode_fields__, strict=True)
    return {name for name, written in shown if stored.get(name) != written} - computed


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: f"{view.__module__}.{view.__name__}")
def test_what_a_view_shows_its_document_has(view: View) -> None:
    model, computed = VIEWS[view]
    assert _strangers(view, model, computed) == set()
    assert computed <= set(view.__struct_fields__) - set(model.model_fields)


@pytest.mark.parametrize("record", OF_A_SESSION, ids=lambda record: record.__name__)
def test_what_is_converted_from_a_session_the_session_has(record: View) -> None:
    """A field that the session lost would else be its default, and no type says so."""
    assert set(record.__struct_fields__) - Session.model_fields.keys() == OF_A_SESSION[record]


def test_a_field_that_its_document_lost_would_be_noticed() -> None:
    """The control: another document, and a field that nobody says is computed."""
    assert "coupon_code" in _strangers(answers.SessionView, WebhookEvent, frozenset())
    assert _strangers(answers.SessionView, Session, frozenset()) == {"payment_method"}


def test_every_view_is_named_here() -> None:
    found: set[View] = set()
    for package in (service, tillgate_sandbox):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith((".schemas", ".controllers", ".answers", ".views")):
                found |= {one for one in vars(import_module(module.name)).values() if _is_view(one)}
    assert found - VIEWS.keys() - OF_NO_DOCUMENT == set()


def _is_view(one: object) -> bool:
    return isinstance(one, type) and issubclass(one, Struct) and one.__name__.endswith("View")
