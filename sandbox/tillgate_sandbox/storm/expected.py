"""The plain model: how a session must end, from what happened alone; and what differs from it.

It knows nothing of events, orders or races: if money came, the session is completed once by that
payment; what was forged changes nothing but that a person is asked to look.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from service.outbox.documents import Delivery, OutboxMessage
from service.storage.database import Row
from tillgate_sandbox.documents import SandboxCheckout, SandboxDelivery, SandboxPayment
from tillgate_sandbox.states import Happening, PaymentStatus
from tillgate_sandbox.storm.scripts import Script

_MONEY = frozenset({Happening.PAID, Happening.SETTLED, Happening.CAPTURED, Happening.AUTHORIZED})
_ENDS = {
    Happening.DELAYED: "processing",
    Happening.BOUNCED: "failed",
    Happening.EXPIRED: "expired",
}
# Razorpay and PhonePe do not report a payment that is delayed.
_REPORTS_DELAYS = frozenset({"stripe"})
# A failed payment of a Razorpay order leaves the order open, so the session goes on.
_STAYS_OPEN = frozenset({"razorpay"})

# What a forged amount or currency makes a person look at. PhonePe's message is only a hint: the
# status API tells the truth, and nothing has to be looked at.
_REPORTS_MONEY = frozenset(
    """checkout.session.completed checkout.session.async_payment_succeeded payment_intent.succeeded
    payment.authorized payment.captured order.paid""".split()
)
_WRONG = {"wrong_amount": "amount_mismatch", "wrong_currency": "currency_mismatch"}
_NOT_BELIEVED = frozenset({"old_secret", "bad_signature", "foreign_route"})

_LEDGER = {
    PaymentStatus.SUCCEEDED: frozenset({"succeeded", "refunded"}),
    PaymentStatus.DECLINED: frozenset({"failed"}),
    PaymentStatus.FAILED: frozenset({"failed"}),
    PaymentStatus.PROCESSING: frozenset({"pending"}),
}


class Ending(Struct, frozen=True):
    """How a session ended, everywhere: at the provider, on the way, and in the service."""

    script: Script
    checkouts: Sequence[SandboxCheckout]
    deliveries: Sequence[SandboxDelivery]
    session: Row
    payments: Sequence[Row]
    events: Sequence[Row]
    outbox: tuple[Sequence[OutboxMessage], Sequence[Delivery]]


class Expected(Struct, frozen=True):
    """How it must have ended. `ledger` is payment id -> the statuses that its row may have."""

    status: str
    paid_by: str | None
    ledger: dict[str, frozenset[str]] = field(default_factory=dict)
    reviews: frozenset[str] = frozenset()


def expected_of(script: Script, ending: Ending) -> Expected:
    """Return how a script must end."""
    payments = [one for checkout in ending.checkouts for one in checkout.payments]
    paid = [one for one in payments if one.status is PaymentStatus.SUCCEEDED]
    return Expected(
        status=_status(script),
        paid_by=_ledger_id(script, ending, paid[0]) if paid else None,
        ledger={
            _ledger_id(script, ending, one): _LEDGER[one.status]
            for one in payments
            if one.status in _LEDGER and _is_reported(script, one)
        },
        reviews=_reviews(script, ending.deliveries),
    )


def differences(ending: Ending) -> list[str]:
    """Return what differs from the model, a sentence each; nothing where all is as it must be."""
    expected = expected_of(ending.script, ending)
    found = [
        *_in_session(ending.session, ending.script, expected),
        *_in_ledger(ending.payments, ending.script, expected),
        *_in_deliveries(ending.deliveries),
        *_in_inbox(ending),
        *_in_outbox(*ending.outbox),
    ]
    return [f"{ending.script.session_id} ({ending.script.provider}): {one}" for one in found]


def _status(script: Script) -> str:
    if _MONEY & set(script.happenings):
        return "completed"
    status = "pending"
    for happening in script.happenings:
        if happening is Happening.DELAYED and script.provider not in _REPORTS_DELAYS:
            continue
        if happening is Happening.BOUNCED and script.provider in _STAYS_OPEN:
            continue
        status = _ENDS.get(happening, status)
    return status


def _reviews(script: Script, deliveries: Iterable[SandboxDelivery]) -> frozenset[str]:
    return frozenset(
        _WRONG[fault]
        for delivery in deliveries
        for fault in delivery.tamper
        if fault in _WRONG and delivery.type in _REPORTS_MONEY and script.provider != "phonepe"
    )


def _ledger_id(script: Script, ending: Ending, payment: SandboxPayment) -> str:
    """PhonePe's order is what its ledger row is keyed by."""
    if script.provider != "phonepe":
        return payment.id
    return next(one.id for one in ending.checkouts if payment in one.payments)


def _is_reported(script: Script, payment: SandboxPayment) -> bool:
    """Return whether a payment surely has a row: not every provider reports a failed attempt."""
    if script.provider == "phonepe":
        return payment.status is PaymentStatus.SUCCEEDED
    return script.provider == "stripe" or payment.status is not PaymentStatus.PROCESSING


def _in_session(session: Row, script: Script, expected: Expected) -> Iterable[str]:
    if session["status"] != expected.status:
        yield f"the session is {session['status']}, it must be {expected.status}"
    completions = sum(move["to"] == "completed" for move in session["history"])
    if completions != (expected.status == "completed"):
        yield f"the session was completed {completions} times"
    if (session["completedAt"] is not None) != (expected.status == "completed"):
        yield f"completedAt is {session['completedAt']}"
    if session["providerPaymentId"] != expected.paid_by:
        yield f"it is paid by {session['providerPaymentId']}, it must be {expected.paid_by}"
    if (session["amount"], session["currency"]) != (script.amount, script.currency):
        yield f"it is over {session['amount']} {session['currency']}"
    review = session["review"] and session["review"]["reason"]
    if (review is not None) != bool(expected.reviews) or (
        review and review not in expected.reviews
    ):
        yield f"its review is {review}, it must be one of {sorted(expected.reviews) or [None]}"


def _in_ledger(payments: Sequence[Row], script: Script, expected: Expected) -> Iterable[str]:
    rows: dict[str, Any] = {row["providerPaymentId"]: row for row in payments}
    for payment_id, statuses in expected.ledger.items():
        row = rows.get(payment_id)
        if row is None:
            yield f"the ledger has no {payment_id}"
        elif row["status"] not in statuses:
            yield f"the ledger has {payment_id} as {row['status']}, not {sorted(statuses)}"
        elif (row["amount"], row["currency"]) != (script.amount, script.currency):
            yield f"the ledger has {payment_id} over {row['amount']} {row['currency']}"
    ours = (script.amount, script.currency)
    for payment_id, row in rows.items():
        moved = row["status"] in {"succeeded", "refunded"}
        if moved and payment_id != expected.paid_by and (row["amount"], row["currency"]) == ours:
            yield f"the ledger has {payment_id} as paid too"


def _in_deliveries(deliveries: Iterable[SandboxDelivery]) -> Iterable[str]:
    for one in deliveries:
        answers = [attempt.status for attempt in one.attempts if attempt.status is not None]
        if one.status == "pending":
            yield f"{one.type} is still on its way"
        elif _NOT_BELIEVED & set(one.tamper):
            # A 5xx is a database that was busy, and it was asked again.
            if any(status < 400 for status in answers) or answers[-1:] > [499]:
                yield f"{one.type} with {one.tamper} was answered {answers}"
        elif one.status != "delivered":
            yield f"{one.type} did not arrive: {answers}"


def _in_inbox(ending: Ending) -> Iterable[str]:
    """Each genuine event stands in the inbox once, done. PhonePe's have no id of their own."""
    if ending.script.provider == "phonepe":
        return
    rows = {row["providerEventId"] or row["eventId"]: row["status"] for row in ending.events}
    for one in ending.deliveries:
        if not one.tamper and rows.get(one.event_id) not in {"processed", "ignored"}:
            yield f"{one.type} stands in the inbox as {rows.get(one.event_id)}"


def _in_outbox(messages: Iterable[OutboxMessage], deliveries: Iterable[Delivery]) -> Iterable[str]:
    """What the service must ask the provider for was sent: captures, and closed checkouts."""
    for message in messages:
        if message.status == "pending":
            yield f"{message.topic} is not dispatched"
    for one in deliveries:
        if one.status != "done":
            yield f"{one.topic} is {one.status}: {one.error}"
