"""What a re-read of Razorpay found, as neutral facts.

A re-read takes several answers, so they are kept together in an envelope of ours:
`{"fetched": ref, "fetchedAt": unix seconds, "order"?, "link"?, "subscription"?, "payments": […]}`
or `{"fetchedAt": unix seconds, "refund": refund entity}`.
"""

import json

from service.core.clock import EARLIEST, from_unix
from service.core.strict_json import JsonObject
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Fact,
    PaidPartially,
    PaymentAuthorized,
    PaymentSucceeded,
    Subject,
)
from service.providers.razorpay.entities import payment_of, subject_of, was_captured
from service.providers.razorpay.refunds import refund_of
from service.providers.razorpay.translate import failure_of
from service.providers.reading import entries, inner, needed_text, text, whole

# An order is `created` until the first attempt, a link until it is paid.
_OPEN_STATES = frozenset({"created", "attempted", "partially_paid", "authenticated"})
_RANKS = {"failed": 1, "created": 2, "authorized": 3, "refunded": 4, "captured": 5}


def translate_fetched(envelope: JsonObject, live: bool | None) -> VerifiedEvent:
    """Translate an envelope. Raises `MalformedBody`.

    The event id names the state found and the payment that decides it, so that the same finding
    is the same event, and a new one another.
    """
    if "refund" in envelope:
        return _fetched_refund(envelope, live)
    ref = needed_text(envelope, "fetched")
    order, link = inner(envelope, "order"), inner(envelope, "link")
    subscription = inner(envelope, "subscription")
    payments = entries(envelope, "payments")
    decisive = max(payments, key=_rank, default={})
    state = text(link or order or subscription or decisive, "status") or "unknown"
    found = f"{text(decisive, 'id') or '-'}:{text(decisive, 'status') or '-'}"
    fetched_at = whole(envelope, "fetchedAt")
    return VerifiedEvent(
        provider="razorpay",
        account=OWN_ACCOUNT,
        live=live,
        event_id=f"fetch:{ref}:{state}:{found}",
        type=f"{_kind(ref)}.fetched",
        occurred_at=from_unix(fetched_at) if fetched_at else EARLIEST,
        subject=subject_of(payment=decisive, order=order, link=link, subscription=subscription),
        facts=_facts(ref, link, order or subscription, payments),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


def _fetched_refund(envelope: JsonObject, live: bool | None) -> VerifiedEvent:
    """Read a refund that was made or asked for; only one of captured money can be."""
    entity = inner(envelope, "refund")
    fact = refund_of(entity, {})
    fetched_at = whole(envelope, "fetchedAt")
    return VerifiedEvent(
        provider="razorpay",
        account=OWN_ACCOUNT,
        live=live,
        event_id=f"fetch:{fact.provider_refund_id}:{text(entity, 'status') or 'unknown'}",
        type="refund.fetched",
        occurred_at=from_unix(fetched_at) if fetched_at else EARLIEST,
        subject=Subject(object_ids=fact.payment_ids),
        facts=(fact,),
        payload=json.dumps(envelope, separators=(",", ":")).encode(),
    )


def _kind(ref: str) -> str:
    kinds = {"plink": "payment_link", "order": "order", "sub": "subscription"}
    return kinds.get(ref.partition("_")[0], "payment")


def _rank(payment: JsonObject) -> tuple[int, int]:
    return _RANKS.get(text(payment, "status") or "", 0), whole(payment, "created_at") or 0


def _facts(
    ref: str, link: JsonObject, order: JsonObject, payments: tuple[JsonObject, ...]
) -> tuple[Fact, ...]:
    """A payment that is held or ours speaks for itself; failed ones only where there is none."""
    attempts = whole(order, "attempts")
    subscription_id = ref if ref.startswith("sub_") else None
    money = [
        fact for payment in payments for fact in _money(payment, link, attempts, subscription_id)
    ]
    if any(isinstance(fact, PaymentSucceeded | PaymentAuthorized) for fact in money):
        return tuple(money)
    failures = [failure_of(payment) for payment in payments if _failed(payment)]
    return (*money, *failures, *_checkout(ref, text(link or order, "status")))


def _money(
    payment: JsonObject, link: JsonObject, attempts: int | None, subscription_id: str | None
) -> tuple[Fact, ...]:
    status = text(payment, "status")
    if status == "authorized":
        return (PaymentAuthorized(payment_of(payment)),)
    if was_captured(payment):
        paid = payment_of(payment, subscription_id, attempts)
        due = whole(link, "amount")
        partial = due is not None and paid.amount < due and text(link, "status") != "paid"
        return (PaidPartially(paid) if partial else PaymentSucceeded(paid),)
    return ()


def _failed(payment: JsonObject) -> bool:
    status = text(payment, "status")
    return status == "failed" or (status == "refunded" and not was_captured(payment))


def _checkout(ref: str, status: str | None) -> tuple[Fact, ...]:
    if status == "cancelled":
        return (CheckoutFailed(ref, "cancelled"),)
    if status == "expired":
        return (CheckoutExpired(ref),)
    return (CheckoutOpen(ref),) if status in _OPEN_STATES else ()
