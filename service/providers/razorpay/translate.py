"""Razorpay's webhooks as neutral facts: one table, event type -> facts.

Events and shapes: https://razorpay.com/docs/webhooks/all.
"""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    Fact,
    InvoicePaid,
    PaidPartially,
    PaymentAuthorized,
    PaymentFailed,
    PaymentSucceeded,
    Subject,
    SubscriptionUpdated,
    Unreadable,
)
from service.providers.razorpay.entities import (
    failure_details,
    payment_of,
    subject_of,
)
from service.providers.razorpay.refunds import dispute_of, refund_of
from service.providers.reading import inner, needed_text, text, whole


class Origin(Struct, frozen=True):
    """Where a translated message comes from.

    `payload` are its raw bytes, `live` the mode of our keys (Razorpay's messages don't say),
    `received_at` stands in where a message holds no time, `named` is what Razorpay calls the event.
    """

    event_id: str
    payload: bytes
    live: bool | None
    received_at: datetime
    named: str | None = None


def translate_webhook(body: JsonObject, origin: Origin) -> VerifiedEvent:
    """Translate a webhook's JSON; a type that Tillgate has no use for has no facts.

    Raises `MalformedBody` where an entity that the type needs is missing or can't be read.
    """
    payload = inner(body, "payload")
    kind = needed_text(body, "event")
    # Some published subscription events carry their time inside of `payload`.
    created = whole(body, "created_at") or whole(payload, "created_at")
    make = _FACTS.get(kind)
    return VerifiedEvent(
        provider="razorpay",
        account=OWN_ACCOUNT,
        live=origin.live,
        event_id=origin.event_id,
        type=kind,
        occurred_at=from_unix(created) if created else origin.received_at,
        subject=_subject(payload),
        facts=make(payload) if make else (),
        payload=origin.payload,
        provider_event_id=origin.named,
    )


def unreadable(body: JsonObject, origin: Origin, reason: str) -> VerifiedEvent:
    """Return a genuine event that can't be read as it is: to be kept, and read again later."""
    return VerifiedEvent(
        provider="razorpay",
        account=OWN_ACCOUNT,
        live=origin.live,
        event_id=origin.event_id,
        type=text(body, "event") or "unknown",
        occurred_at=origin.received_at,
        subject=Subject(),
        facts=(Unreadable(reason),),
        payload=origin.payload,
        provider_event_id=origin.named,
    )


def failure_of(entity: JsonObject) -> PaymentFailed:
    """Read why a payment failed. `error_reason` says more than `error_code`, which is generic."""
    return PaymentFailed(
        payment=payment_of(entity),
        failure_code=text(entity, "error_reason") or text(entity, "error_code"),
        failure_message=text(entity, "error_description"),
        failure_details=failure_details(entity),
    )


def _subject(payload: JsonObject) -> Subject:
    """Gather the ids of an event; the order of a renewal is no checkout of the session's."""
    subscription, payment = _entity(payload, "subscription"), _entity(payload, "payment")
    renews = bool(subscription) and whole(subscription, "paid_count") != 1
    return subject_of(
        payment={"id": payment.get("id")} if renews else payment,
        order=_entity(payload, "order"),
        link=_entity(payload, "payment_link"),
        subscription=subscription,
    )


def _entity(payload: JsonObject, name: str) -> JsonObject:
    return inner(payload, name, "entity")


def _authorized(payload: JsonObject) -> tuple[Fact, ...]:
    return (PaymentAuthorized(payment_of(_entity(payload, "payment"))),)


def _succeeded(payload: JsonObject) -> tuple[Fact, ...]:
    """`payment.captured` and `order.paid` both come for one payment: both report the payment.

    An order's `amount_paid` adds up several payments, so it is never read.
    """
    attempts = whole(_entity(payload, "order"), "attempts")
    return (PaymentSucceeded(payment_of(_entity(payload, "payment"), attempts=attempts)),)


def _partially_paid(payload: JsonObject) -> tuple[Fact, ...]:
    return (PaidPartially(payment_of(_entity(payload, "payment"))),)


def _failed(payload: JsonObject) -> tuple[Fact, ...]:
    return (failure_of(_entity(payload, "payment")),)


def _link_cancelled(payload: JsonObject) -> tuple[Fact, ...]:
    return (CheckoutFailed(needed_text(_entity(payload, "payment_link"), "id"), "cancelled"),)


def _link_expired(payload: JsonObject) -> tuple[Fact, ...]:
    return (CheckoutExpired(needed_text(_entity(payload, "payment_link"), "id")),)


def _refunded(payload: JsonObject) -> tuple[Fact, ...]:
    return (refund_of(_entity(payload, "refund"), _entity(payload, "payment")),)


def _disputed(payload: JsonObject) -> tuple[Fact, ...]:
    return (dispute_of(_entity(payload, "dispute"), _entity(payload, "payment")),)


def _subscription(payload: JsonObject) -> tuple[Fact, ...]:
    entity = _entity(payload, "subscription")
    ends = whole(entity, "current_end")
    fact = SubscriptionUpdated(
        provider_subscription_id=needed_text(entity, "id"),
        status=needed_text(entity, "status"),
        customer_id=text(entity, "customer_id"),
        current_period_end=from_unix(ends) if ends else None,
    )
    return (fact,)


def _subscription_charged(payload: JsonObject) -> tuple[Fact, ...]:
    """The first charge is what its session was opened for, each later one a renewal.

    What names no session of ours was opened by somebody else: it writes the ledger alone.
    """
    entity = _entity(payload, "subscription")
    payment = payment_of(_entity(payload, "payment"), text(entity, "id"))
    if whole(entity, "paid_count") == 1 and text(inner(entity, "notes"), "sessionId"):
        return (*_subscription(payload), PaymentSucceeded(payment))
    return (*_subscription(payload), InvoicePaid(payment))


_FACTS: dict[str, Callable[[JsonObject], tuple[Fact, ...]]] = {
    "payment.authorized": _authorized,
    "payment.captured": _succeeded,
    "payment.failed": _failed,
    "order.paid": _succeeded,
    "payment_link.paid": _succeeded,
    "payment_link.partially_paid": _partially_paid,
    "payment_link.cancelled": _link_cancelled,
    "payment_link.expired": _link_expired,
    "refund.created": _refunded,
    "refund.processed": _refunded,
    "refund.failed": _refunded,
    "refund.speed_changed": _refunded,
    "payment.dispute.created": _disputed,
    "payment.dispute.won": _disputed,
    "payment.dispute.lost": _disputed,
    "payment.dispute.closed": _disputed,
    "payment.dispute.under_review": _disputed,
    "payment.dispute.action_required": _disputed,
    "subscription.authenticated": _subscription,
    "subscription.activated": _subscription,
    "subscription.charged": _subscription_charged,
    "subscription.completed": _subscription,
    "subscription.updated": _subscription,
    "subscription.pending": _subscription,
    "subscription.halted": _subscription,
    "subscription.cancelled": _subscription,
    "subscription.paused": _subscription,
    "subscription.resumed": _subscription,
}
