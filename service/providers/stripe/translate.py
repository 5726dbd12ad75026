"""Stripe's events as neutral facts: one table, event type -> reader of its object.

Event types: https://docs.stripe.com/api/events/types. A type that is not in the table gives no
facts, and neither do thin events, which carry no object to read.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from service.core.clock import EARLIEST, from_unix, to_milliseconds
from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import Fact, Subject, Unreadable
from service.providers.reading import inner, needed_text, text, whole
from service.providers.signing import sha256_hex
from service.providers.stripe import ledger, payments, refunds
from service.providers.stripe.reading import moment

THIN_EVENT = "v2.core.event"
FETCHED = "fetch:"

_Facts = Callable[[JsonObject], tuple[Fact, ...]]
_Subject = Callable[[JsonObject], Subject]

_CHECKOUTS: dict[str, _Facts] = {
    "checkout.session.completed": payments.completed,
    "checkout.session.async_payment_succeeded": payments.paid_later,
    "checkout.session.async_payment_failed": payments.failed_later,
    "checkout.session.expired": payments.expired,
}
_INTENTS: dict[str, _Facts] = {
    "payment_intent.succeeded": payments.intent_succeeded,
    "payment_intent.processing": payments.intent_processing,
    "payment_intent.payment_failed": payments.intent_failed,
    "payment_intent.canceled": payments.intent_canceled,
}
_INVOICES: dict[str, _Facts] = {
    "invoice.paid": ledger.invoice_paid,
    "invoice.payment_succeeded": ledger.invoice_paid,
    "invoice.payment_failed": ledger.invoice_failed,
}
_SUBSCRIPTIONS: dict[str, _Facts] = {
    f"customer.subscription.{change}": ledger.subscription_updated
    for change in ("created", "updated", "deleted", "paused", "resumed")
}
_PAYMENT_CHANGES: dict[str, _Facts] = {
    "charge.refunded": refunds.charge_refunded,
    "charge.refund.updated": refunds.refund_updated,
    **{f"refund.{change}": refunds.refund_updated for change in ("created", "updated", "failed")},
    **{
        f"charge.dispute.{change}": refunds.dispute_updated
        for change in ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    },
}


def _table() -> dict[str, tuple[_Subject, _Facts]]:
    groups: tuple[tuple[_Subject, dict[str, _Facts]], ...] = (
        (payments.checkout_subject, _CHECKOUTS),
        (payments.intent_subject, _INTENTS),
        (ledger.invoice_subject, _INVOICES),
        (ledger.subscription_subject, _SUBSCRIPTIONS),
        (refunds.payment_subject, _PAYMENT_CHANGES),
    )
    return {kind: (subject, facts) for subject, group in groups for kind, facts in group.items()}


_READERS = _table()

EVENT_TYPES = frozenset(_READERS)


def translate_event(event: JsonObject, payload: bytes) -> VerifiedEvent:
    """Translate an event as a webhook brought it. Raises `MalformedBody`."""
    kind = needed_text(event, "type")
    subject, facts = _read(event, kind)
    live = event.get("livemode")
    return VerifiedEvent(
        provider="stripe",
        account=text(event, "account") or OWN_ACCOUNT,
        live=live if isinstance(live, bool) else None,
        event_id=needed_text(event, "id"),
        type=kind,
        occurred_at=_created_at(event),
        subject=subject,
        facts=facts,
        payload=payload,
    )


def unreadable(event: JsonObject, payload: bytes, now: datetime, reason: str) -> VerifiedEvent:
    """Return a genuine event that can't be read as it is: to be kept, and read again later.

    `event` is empty where not even its id could be read; the hash of its bytes stands in.
    """
    live = event.get("livemode")
    return VerifiedEvent(
        provider="stripe",
        account=text(event, "account") or OWN_ACCOUNT,
        live=live if isinstance(live, bool) else None,
        event_id=text(event, "id") or f"unreadable:{sha256_hex(payload)}",
        type=text(event, "type") or "unknown",
        occurred_at=now,
        subject=Subject(),
        facts=(Unreadable(reason),),
        payload=payload,
    )


def translate_fetched(found: JsonObject, payload: bytes, mode: bool | None = None) -> VerifiedEvent:
    """Translate a checkout session, an intent or a refund that we asked for.

    The event id contains the state, so that the same state found twice is one event. `mode` is that
    of our key: a refund does not say its own. Raises `MalformedBody`.
    """
    ref = needed_text(found, "id")
    status = needed_text(found, "status")
    states: tuple[str | None, ...] = (status,)
    if text(found, "object") == "refund":
        subject, facts = refunds.payment_subject(found), refunds.refund_updated(found)
        occurred_at = moment(found, "created")
    elif text(found, "object") == "payment_intent":
        subject, facts = payments.intent_subject(found), payments.found_intent(found)
        occurred_at = moment(found, "created")
    else:
        subject, facts = payments.checkout_subject(found), payments.found_checkout(found)
        intent = inner(found, "payment_intent")
        states = (status, text(found, "payment_status"), text(intent, "status"))
        # Checkout makes the intent when the customer pays, not when the session is opened.
        occurred_at = moment(intent, "created") or moment(found, "created")
    live = found.get("livemode")
    return VerifiedEvent(
        provider="stripe",
        account=OWN_ACCOUNT,
        live=live if isinstance(live, bool) else mode,
        event_id=FETCHED + ":".join((ref, *(state for state in states if state))),
        type=f"fetched.{text(found, 'object') or 'object'}",
        occurred_at=occurred_at or EARLIEST,
        subject=subject,
        facts=facts,
        payload=payload,
    )


def _read(event: JsonObject, kind: str) -> tuple[Subject, tuple[Fact, ...]]:
    if event.get("object") == THIN_EVENT:
        return Subject(), ()
    found = inner(event, "data").get("object")
    if not isinstance(found, dict):
        raise MalformedBody("The event has no data.object.")
    if kind not in _READERS:
        return Subject(), ()
    subject, facts = _READERS[kind]
    # An intent that is not ours belongs to a subscription or to another shop of the account.
    if kind in _INTENTS and not payments.is_ours(found):
        return subject(found), ()
    return subject(found), facts(found)


def _created_at(event: JsonObject) -> datetime:
    """Return the moment of an event: Unix seconds, ISO 8601 in thin events."""
    seconds = whole(event, "created")
    if seconds is not None:
        return from_unix(seconds)
    try:
        created = datetime.fromisoformat(needed_text(event, "created"))
        return to_milliseconds(created if created.tzinfo else created.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise MalformedBody("The event has no time as created.") from error
