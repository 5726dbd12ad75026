"""The lines of payments: what changed of each when it did, and the tries that failed. Pure.

A payment's row keeps no history, so that a webhook writes no more than it must. The events that
wrote it are kept as long as their session, and say what changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from service.core.strict_json import JsonObject
from service.effects.ledger import status_of
from service.inbox.documents import WebhookEvent
from service.inbox.states import InboxStatus
from service.payments.attempts.documents import Attempt
from service.payments.attempts.operations.tries import tries_of
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus, Place, standing
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    Fact,
    InvoiceFact,
    PaymentFact,
)
from service.timeline.operations.entry import Entry, Tone, what_is_known
from service.timeline.operations.ledger import Ledger, price, why_failed

# Events that have written the ledger: one that failed has not, and one that is parked may have.
_WROTE = {InboxStatus.PROCESSED, InboxStatus.REVIEW, InboxStatus.PARKED}

_TONES: Mapping[PaymentStatus, Tone] = {
    PaymentStatus.SUCCEEDED: "good",
    PaymentStatus.FAILED: "bad",
    PaymentStatus.CANCELED: "bad",
    PaymentStatus.ABANDONED: "warn",
    PaymentStatus.REVERSED: "warn",
}


class _Said(Struct, frozen=True):
    """What one event said of a payment."""

    event: WebhookEvent
    status: PaymentStatus
    place: Place
    amount: int
    currency: str


def lines_of_payments(ledger: Ledger, events: Iterable[WebhookEvent]) -> Iterator[Entry]:
    """Return what changed of each payment, at the moment when it did, and each try that failed."""
    said = _said_by(events)
    for payment in ledger.payments:
        key = (payment.provider, payment.account, payment.provider_payment_id)
        yield from _changes(payment, said.get(key, ()))
    numbers = {one.attempt_id: one.number for one in tries_of(ledger.payments, ledger.failed)}
    for attempt in ledger.failed:
        yield _failed(attempt, numbers[attempt.attempt_id])


def _said_by(events: Iterable[WebhookEvent]) -> Mapping[tuple[str, ...], Sequence[_Said]]:
    """Return what events said of payments, by the payments' keys, in the order of writing."""
    found: dict[tuple[str, ...], list[_Said]] = defaultdict(list)
    for event in sorted((one for one in events if one.status in _WROTE), key=_applied_at):
        facts = _facts_of(event)
        ends = any(isinstance(fact, CheckoutFailed | CheckoutExpired) for fact in facts)
        for fact in facts:
            if isinstance(fact, PaymentFact | InvoiceFact):
                key = (event.provider, event.account, fact.payment.provider_payment_id)
                found[key].append(_said(event, fact, ends=ends))
    return found


def _facts_of(event: WebhookEvent) -> Sequence[Fact]:
    """Return what an event reported; nothing where a later version wrote what this can't read."""
    try:
        return msgspec.convert(event.facts, list[Fact])
    except msgspec.ValidationError:
        return ()


def _said(event: WebhookEvent, fact: PaymentFact | InvoiceFact, *, ends: bool) -> _Said:
    status = status_of(fact)
    return _Said(
        event,
        status,
        standing(status, event.occurred_at, final=ends and status is PaymentStatus.FAILED),
        fact.payment.amount,
        fact.payment.currency,
    )


def _applied_at(event: WebhookEvent) -> datetime:
    """Return when an event was applied; one that was not tried again, as soon as it came."""
    done = event.processed_at if event.attempts > 1 else None
    return done or event.received_at


def _came_at(payment: Payment, first: WebhookEvent) -> datetime:
    """Return when a payment was first written, if by this event: it may have been parked then."""
    done = first.processed_at or first.received_at
    at = payment.created_at
    return at if first.received_at <= at <= done else _applied_at(first)


def _changes(payment: Payment, said: Iterable[_Said]) -> Iterator[Entry]:
    """Return a line for each event that changed what stands, and one for what none of them said."""
    stands: _Said | None = None
    for one in said:
        if stands is None or one.place > stands.place:
            if stands is None or _money(one) != _money(stands):
                yield _change(payment, stands, one)
            stands = one
    if stands is None or stands.status is not payment.status:
        yield _unsaid(payment, stands)


def _money(said: _Said) -> tuple[object, ...]:
    return said.status, said.amount, said.currency


def _change(payment: Payment, before: _Said | None, after: _Said) -> Entry:
    came = f"{_name(payment)}: {price(after.amount, payment.provider, after.currency)}"
    now: str = after.status
    if before is not None and before.status is after.status:
        now = f"not {price(before.amount, payment.provider, before.currency)}"
    elif before is not None:
        now = f"from {before.status} to {after.status}"
    detail: JsonObject = {"eventId": after.event.id}
    if after.status is payment.status:
        detail |= _detail(payment)
    at = _applied_at(after.event) if before else _came_at(payment, after.event)
    return Entry(at, "payment", f"{came}, {now}", detail, _TONES.get(after.status, ""))


def _unsaid(payment: Payment, before: _Said | None) -> Entry:
    """Return the line of a state that no event of the session says.

    It was entered or given up here, or its events are another session's, or were deleted.
    """
    came = f"{_name(payment)}: {price(payment.amount, payment.provider, payment.currency)}"
    moved = f"from {before.status} to {payment.status}" if before else payment.status
    at = max(payment.created_at, min(payment.status_at, payment.updated_at))
    tone = _TONES.get(payment.status, "")
    return Entry(at, "payment", f"{came}, {moved}", _detail(payment), tone)


def _name(payment: Payment) -> str:
    return f"Payment {payment.provider_payment_id}"


def _failed(attempt: Attempt, number: int) -> Entry:
    paying = price(attempt.amount, attempt.provider, attempt.currency)
    summary = f"Try {number} at paying {paying} failed: {why_failed(attempt)}"
    detail: JsonObject = {
        "madeAt": attempt.made_at.isoformat() if attempt.made_at else None,
        "attemptId": attempt.attempt_id,
        "providerPaymentId": attempt.provider_payment_id,
        "method": attempt.method,
        "methodDetails": attempt.method_details,
        "country": attempt.country,
        "failureCode": attempt.failure_code,
        "declineCode": attempt.decline_code,
        "failureMessage": attempt.failure_message,
        "failureDetails": attempt.failure_details,
        "eventId": attempt.event_id,
    }
    return Entry(attempt.created_at, "try", summary, what_is_known(detail), "bad")


def _detail(payment: Payment) -> JsonObject:
    """Return what is known of a payment besides its money."""
    return what_is_known(
        {
            "method": payment.payment_method,
            **msgspec.to_builtins(payment.details),
            "failureCode": payment.failure_code,
            "failureMessage": payment.failure_message,
            "declineCode": payment.decline_code,
        }
    )
