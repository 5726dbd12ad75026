"""What goes over the wire about a timeline."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.outbox.documents import DeliveryStatus
from service.payments.history.schemas.ledger import (
    DisputeView,
    PaymentView,
    WholePayment,
    dispute_view,
    payment_view,
    whole_view,
)
from service.providers.money import to_major
from service.sessions.operations.caller import Caller
from service.sessions.schemas.answers import SessionView, session_view
from service.timeline.operations.evidence import Evidence
from service.timeline.operations.find_named import Named
from service.timeline.operations.gather import Timeline


class TimelineEntry(Struct, frozen=True, rename="camel"):
    """One thing that touched the session."""

    at: datetime
    what: str
    summary: str
    detail: JsonObject


class TimelineAnswer(Struct, frozen=True, rename="camel"):
    """All that touched a session, oldest first; `why` says why it is in its state."""

    session: SessionView
    why: str
    entries: list[TimelineEntry]


def timeline_view(timeline: Timeline, caller: Caller, now: datetime) -> TimelineAnswer:
    """Show a timeline."""
    entries = [view_of(TimelineEntry, entry) for entry in timeline.entries]
    return TimelineAnswer(session_view(timeline.session, caller, now), timeline.why, entries)


class FoundAnswer(Struct, frozen=True, rename="camel"):
    """What an id leads to: payments, latest first, their session while it is kept, its timeline."""

    payments: list[WholePayment]
    session: SessionView | None
    timeline: str | None


class Bought(Struct, frozen=True, rename="camel"):
    """What was bought; `price` is in major units. Null where nobody said, or it is gone."""

    title: str | None
    plan: str | None
    event_id: str | None
    pass_id: str | None
    quantity: int | None
    selected_date: str | None
    amount: int
    currency: str
    price: str
    opened_at: datetime | None
    completed_at: datetime | None


class Customer(Struct, frozen=True, rename="camel"):
    """Who bought it, as far as we were told."""

    user_id: str | None
    email: str | None
    country: str | None
    payment_method: str | None
    method_details: JsonObject | None


class ActLine(Struct, frozen=True, rename="camel"):
    """What somebody did with the session; `client` is a keyed hash of the address."""

    at: datetime
    action: str
    actor: str
    client: str | None


class DeliveryLine(Struct, frozen=True, rename="camel"):
    """A message about the session, and whether its receiver has it."""

    topic: str
    subscriber: str
    status: DeliveryStatus
    created_at: datetime
    done_at: datetime | None


class EvidenceAnswer(Struct, frozen=True, rename="camel", kw_only=True):
    """What is known about a disputed payment, its refunds among it.

    `acts` are what was done with the session from a known address, `deliveries` what was sent.
    """

    made_at: datetime
    respond_by: datetime | None
    dispute: DisputeView
    payment: PaymentView | None
    bought: Bought
    customer: Customer
    acts: list[ActLine]
    deliveries: list[DeliveryLine]
    timeline: list[TimelineEntry]


def found_answer(named: Named, caller: Caller, now: datetime) -> FoundAnswer:
    """Show what an id leads to."""
    session = named.session
    return FoundAnswer(
        [whole_view(one) for one in named.payments],
        None if session is None else session_view(session, caller, now),
        None if session is None else f"/api/payment-sessions/{session.session_id}/timeline",
    )


def evidence_answer(evidence: Evidence) -> EvidenceAnswer:
    """Show the evidence; what is between the merchant and its provider is nobody else's concern."""
    dispute, told = evidence.dispute, evidence.told
    return EvidenceAnswer(
        made_at=evidence.made_at,
        respond_by=dispute.respond_by,
        dispute=dispute_view(dispute),
        payment=None if told is None else payment_view(told, to_user=True),
        bought=_bought(evidence),
        customer=_customer(evidence),
        acts=[view_of(ActLine, one) for one in evidence.acts],
        deliveries=[view_of(DeliveryLine, one) for one in evidence.deliveries],
        timeline=[view_of(TimelineEntry, one) for one in evidence.timeline],
    )


def _bought(evidence: Evidence) -> Bought:
    session, told = evidence.session, evidence.told
    paid = evidence.dispute if told is None else told.payment
    named = None if told is None else told.payment
    return Bought(
        title=(session and session.title) or (named and named.plan_name),
        plan=(session and session.plan) or (named and named.plan_id),
        event_id=session and session.event_id,
        pass_id=session and session.pass_id,
        quantity=session and session.quantity,
        selected_date=session and session.selected_date,
        amount=paid.amount,
        currency=paid.currency,
        price=to_major(paid.amount, paid.provider, paid.currency),
        opened_at=session and session.created_at,
        completed_at=session and session.completed_at,
    )


def _customer(evidence: Evidence) -> Customer:
    payment = None if evidence.told is None else payment_view(evidence.told)
    return Customer(
        user_id=evidence.dispute.user_id,
        email=None if evidence.session is None else evidence.session.email,
        country=None if payment is None else payment.country,
        payment_method=None if payment is None else payment.payment_method,
        method_details=None if payment is None else payment.method_details,
    )
