"""How what is reported of a payment changes its row. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from service.core.json_text import to_json_in_order
from service.payments.payments.documents import Payment
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import (
    POSTED,
    Place,
    as_number,
    details_after,
    said_by_the_greatest,
    standing,
)
from service.storage.database import Row
from service.storage.documents import StoredDocument
from service.storage.new_rows import stored_names

# What the event that is greatest in the order says; what the first one fills that has it, and what
# the first session that is meant.
_OF_THE_GREATEST = (
    *("status", "final", "amount", "currency"),
    *("failure_code", "failure_message", "decline_code", "failure_details"),
    "event_id",
)
_FILLED_BY_THE_FIRST = (
    "provider_session_id",
    "provider_subscription_id",
    "provider_customer_id",
)
_OF_ITS_SESSION = (
    *("session_id", "session_opened_at", "owner", "user_id", "plan_id", "plan_name"),
    "metadata",
)
_METHOD = "paymentMethod"
_AS_THEY_ARE = (datetime,)
# The details that are ids: they change with the attempt that stands.
_IDS = ("chargeId", "invoiceId", "bankReference")
_STORED = stored_names(Payment)
# What an entry is made of; the last two say whether it is for what was sold.
_POSTED_BY = frozenset(
    {
        *("status", "amount", "currency", "details", "merchantId"),
        *("sessionId", "providerSubscriptionId"),
    }
)
# The last of a content: what a failure's code and message leave open.
_WHY = 2


def new_row_of(reported: ReportedPayment, now: datetime) -> Row:
    """Make the row: a `Payment` would be made only to be taken apart again, at each event."""
    details = _details_of(reported)
    places = dict.fromkeys(details, as_number(standing_of(reported)))
    details.pop(_METHOD, None)
    return Payment.new_row(
        {
            "unposted": reported.status in POSTED,
            "details": details,
            "places": places,
            "status": reported.status.value,
            "statusAt": reported.occurred_at,
            "firstAt": reported.occurred_at,
            "aliases": _aliases(reported, map(details.get, _IDS)),
            "metadata": reported.metadata or {},
            "createdAt": now,
            "updatedAt": now,
        },
        reported,
    )


def changes_by(payment: Payment, reported: ReportedPayment) -> Row:
    """Return what an event changes of a row, by the stored names; empty where nothing."""
    place, stands = standing_of(reported), standing_of(payment)
    changes = details_changed(payment, reported, place, stands)
    if place > stands or (place == stands and _said(reported) > _said(payment)):
        changes |= {_STORED[name]: getattr(reported, name) for name in _OF_THE_GREATEST}
        changes["statusAt"] = reported.occurred_at
        changes |= capped(payment.refunded + payment.excess, reported.amount)
    changes["firstAt"] = first_told(payment, reported)
    filled: tuple[str, ...] = _FILLED_BY_THE_FIRST
    if payment.session_id is None and reported.session_id is not None:
        changes["merchantId"] = reported.merchant_id
        filled += _OF_ITS_SESSION
    for name in filled:
        value = getattr(reported, name)
        if value is not None and not getattr(payment, name):
            changes[_STORED[name]] = value
    changes = payment.differing(changes)
    return changes | marked(payment, changes)


def first_told(payment: Payment, reported: ReportedPayment) -> datetime:
    """Return when a payment was first reported, as far as is known with one more fact."""
    return min(payment.first_at or payment.status_at, reported.occurred_at)


def changes_said(document: StoredDocument, said: Row, place: int) -> Row:
    """Return what a fact changes of a refund's or a dispute's row, by the stored names.

    `said` is what the fact says, None for what it leaves open, and `place` where it stands among
    all facts about it. The row keeps the places in a field of that name.
    """
    stands = {name: value for name in said if (value := document.stored(name)) is not None}
    known: dict[str, int] = {**document.places}
    after, places = said_by_the_greatest(stands, known, said, place)
    return document.differing(after | {"places": places})


def capped(refunded: int, amount: int) -> Row:
    """Return what is refunded of an amount, at most all of it, and what is reported beyond that."""
    return {"refunded": min(refunded, amount), "excess": max(0, refunded - amount)}


def marked(payment: Payment, changes: Row) -> Row:
    """Return the mark of a payment whose entries may lack something after some changes, or none."""
    if changes.keys().isdisjoint(_POSTED_BY):
        return {}
    comes = not POSTED.isdisjoint({payment.status, changes.get("status")})
    return {"unposted": True} if comes else {}


def standing_of(said: ReportedPayment | Payment) -> Place:
    """Return where what was said of a payment stands in the order of all facts about it."""
    at = said.status_at if isinstance(said, Payment) else said.occurred_at
    return standing(said.status, at, final=said.final)


def _said(said: ReportedPayment | Payment) -> tuple[object, ...]:
    """Return what decides in one place: the content, and of equal ones the event's id."""
    return _content(said), said.event_id or ""


def _content(said: ReportedPayment | Payment) -> tuple[object, ...]:
    """Return what decides between two that stand in one place."""
    details = said.failure_details
    more = to_json_in_order(details) if details else b""
    code, message = said.failure_code or "", said.failure_message or ""
    return said.amount, said.currency, code, message, said.decline_code or "", more


def failure_of(payment: Payment, reported: ReportedPayment) -> Row:
    """Return what else an event says of the failure that a payment stands in."""
    said, known = _content(reported), _content(payment)
    if said[:-_WHY] != known[:-_WHY] or said <= known:
        return {}
    return {"declineCode": reported.decline_code, "failureDetails": reported.failure_details}


def details_changed(
    payment: Payment, reported: ReportedPayment, place: Place, stands: Place
) -> Row:
    """Return the details and aliases of a row, as far as they change by what an event reports."""
    known = dict(payment.details)
    if payment.payment_method is not None:
        known[_METHOD] = payment.payment_method
    number = as_number(place)
    greatest = number if place >= stands else as_number(stands)
    after, places = details_after(known, payment.places, _details_of(reported), number, greatest)
    others = {*payment.aliases}.difference([known.get(name) for name in _IDS])
    aliases = _aliases(reported, map(after.get, _IDS), others)
    changes: Row = {} if places == payment.places else {"places": places}
    if (method := after.pop(_METHOD, None)) != payment.payment_method:
        changes[_METHOD] = method
    if after != payment.details:
        changes["details"] = after
    return changes if aliases == payment.aliases else changes | {"aliases": aliases}


def _details_of(reported: ReportedPayment) -> Row:
    """Return the details that an event reports, as they are stored, and the method with them."""
    details: Row = {}
    if reported.details is not None:
        details = msgspec.to_builtins(reported.details, builtin_types=_AS_THEY_ARE)
    if reported.payment_method is not None:
        details[_METHOD] = reported.payment_method
    return details


def _aliases(
    reported: ReportedPayment, ids: Iterable[object], others: Iterable[str] = ()
) -> list[str]:
    """Return all ids but the key by which a payment is known: those in its details, and others."""
    found = {*reported.aliases, *others}
    for one in ids:
        if isinstance(one, str):
            found.add(one)
    found.discard(reported.provider_payment_id)
    return sorted(found)
