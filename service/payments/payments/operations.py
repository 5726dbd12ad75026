"""Write what providers said of a payment into its one row."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct

from service.core.errors import Busy
from service.core.strict_json import JsonObject
from service.payments.payments import repository
from service.payments.payments.documents import Claim, Payment
from service.payments.payments.states import (
    LIVE,
    PaymentStatus,
    Place,
    as_number,
    details_after,
    standing,
)
from service.providers.facts import Details
from service.storage.database import Row
from service.storage.new_rows import stored_names
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

# What the event that is greatest in the order says; what the first one fills that has it, and what
# the first session that is meant.
_OF_THE_GREATEST = (
    *("status", "final", "amount", "currency"),
    *("failure_code", "failure_message", "decline_code", "failure_details"),
)
_FILLED_BY_THE_FIRST = (
    "provider_session_id",
    "provider_subscription_id",
    "provider_customer_id",
)
_OF_ITS_SESSION = (
    *("session_id", "session_opened_at", "user_id", "plan_id", "plan_name"),
    "metadata",
)
_METHOD = "paymentMethod"
_AS_THEY_ARE = (datetime,)
# The details that are ids: they change with the attempt that stands.
_IDS = ("chargeId", "invoiceId", "bankReference")
_STORED = stored_names(Payment)
# The last of a content: what a failure's code and message leave open.
_WHY = 2
_TRIES = 5


class ReportedPayment(Struct, frozen=True):
    """What one event reports of one payment, and of the session that it belongs to, if known.

    `aliases` are ids that it has whatever becomes of it; those of an attempt stand in `details`.
    """

    merchant_id: str
    provider: str
    account: str
    live: bool | None
    provider_payment_id: str
    amount: int
    currency: str
    status: PaymentStatus
    occurred_at: datetime
    final: bool = False
    payment_method: str | None = None
    provider_session_id: str | None = None
    provider_customer_id: str | None = None
    provider_subscription_id: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    failure_details: JsonObject | None = None
    session_id: str | None = None
    session_opened_at: datetime | None = None
    user_id: str | None = None
    plan_id: str | None = None
    plan_name: str | None = None
    metadata: JsonObject | None = None
    aliases: tuple[str, ...] = ()
    details: Details | None = None

    @property
    def claim(self) -> Claim | None:
        """Return whose it is, None where no session is meant."""
        if self.session_id is None:
            return None
        return Claim(self.merchant_id, self.session_id, self.session_opened_at)


class Recorded(Struct, frozen=True):
    """What is known of a payment once it was reported.

    `claimed_by` is the session that it belongs to: the first that a verified event tied it to, also
    where this one ties it to another.
    """

    status: PaymentStatus
    provider_session_id: str | None
    provider_customer_id: str | None
    claimed_by: Claim | None
    amount: int
    currency: str


class Filled(Struct, frozen=True):
    """Which fields of a payment were filled in, by their stored names: as they were and are."""

    before: Row
    after: Row


async def record_payment(tx: Transaction, reported: ReportedPayment, now: datetime) -> Recorded:
    """Merge what was reported into the payment's row, and return how it now stands.

    The result does not depend on the order of the calls: the status is the greatest by `standing`,
    and every other field is the same in all events of one payment or filled by the first.
    """
    key = (reported.provider, reported.account, reported.provider_payment_id)
    payment = await repository.find(*key, tx)
    if payment is None:
        await repository.insert(_new(reported, now), tx)
        return Recorded(
            reported.status,
            reported.provider_session_id,
            reported.provider_customer_id,
            reported.claim,
            reported.amount,
            reported.currency,
        )
    changes = _changes(payment, reported)
    if changes:
        await repository.change(payment, changes | {"updatedAt": now}, tx)
    return Recorded(
        PaymentStatus(changes.get("status", payment.status)),
        changes.get("providerSessionId", payment.provider_session_id),
        changes.get("providerCustomerId", payment.provider_customer_id),
        payment.claim or reported.claim,
        changes.get("amount", payment.amount),
        changes.get("currency", payment.currency),
    )


async def fill_in(reported: ReportedPayment, *, dry_run: bool) -> Filled:
    """Fill in what an event that was applied says of a payment besides; return what that changes.

    How the payment stands, its money and whose it is stay. The row is compared in the write, so
    nothing that an event has written meanwhile is overwritten. Raises `Busy` where it is written
    again and again.
    """
    key = (reported.provider, reported.account, reported.provider_payment_id)
    for _ in range(_TRIES):
        payment = await repository.find(*key)
        if payment is None:
            return Filled({}, {})
        place, stands = _standing(reported), _standing(payment)
        if place > stands:  # a replay's to apply
            return Filled({}, {})
        why = _failure(payment, reported) if place == stands else {}
        changes = payment.differing(_details(payment, reported, place, stands) | why)
        if not changes or dry_run or await repository.change_as_read(payment, changes):
            return Filled({name: payment.stored(name) for name in changes}, changes)
    raise Busy("The payment is being written by others.")


async def abandon_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Give up a payment with an open outcome; return whether it was. Only money overrules this."""
    return await _end(tx, payment, PaymentStatus.ABANDONED, None, now)


async def lapse_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Note that its provider was asked and knows of nothing under way; return whether it was live.

    A failure as an event reports it: the same payment may be tried again.
    """
    return await _end(tx, payment, PaymentStatus.FAILED, "not_under_way", now)


async def note_still_live(payment: Payment, now: datetime) -> None:
    """Note that its provider was asked, and said again that it is under way."""
    await repository.change(payment, {"updatedAt": now}, NO_TRANSACTION)


async def _end(
    tx: Transaction, payment: Payment, to: PaymentStatus, code: str | None, now: datetime
) -> bool:
    if payment.status not in LIVE:
        return False
    changes: Row = {"status": to.value, "statusAt": now, "final": False, "updatedAt": now}
    changes |= {"failureCode": code, "failureMessage": None}
    changes |= {"declineCode": None, "failureDetails": None}
    await repository.change(payment, changes, tx)
    return True


def _new(reported: ReportedPayment, now: datetime) -> Row:
    """Make the row: a `Payment` would be made only to be taken apart again, at each event."""
    details = _details_of(reported)
    places = dict.fromkeys(details, as_number(_standing(reported)))
    details.pop(_METHOD, None)
    return Payment.new_row(
        {
            "details": details,
            "places": places,
            "status": reported.status.value,
            "statusAt": reported.occurred_at,
            "aliases": _aliases(reported, map(details.get, _IDS)),
            "metadata": reported.metadata or {},
            "createdAt": now,
            "updatedAt": now,
        },
        reported,
    )


def _changes(payment: Payment, reported: ReportedPayment) -> Row:
    place, stands = _standing(reported), _standing(payment)
    changes = _details(payment, reported, place, stands)
    if place > stands or (place == stands and _content(reported) > _content(payment)):
        changes |= {_STORED[name]: getattr(reported, name) for name in _OF_THE_GREATEST}
        changes["statusAt"] = reported.occurred_at
    filled: tuple[str, ...] = _FILLED_BY_THE_FIRST
    if payment.session_id is None and reported.session_id is not None:
        changes["merchantId"] = reported.merchant_id
        filled += _OF_ITS_SESSION
    for name in filled:
        value = getattr(reported, name)
        if value is not None and not getattr(payment, name):
            changes[_STORED[name]] = value
    return payment.differing(changes)


def _standing(said: ReportedPayment | Payment) -> Place:
    at = said.status_at if isinstance(said, Payment) else said.occurred_at
    return standing(said.status, at, final=said.final)


def _content(said: ReportedPayment | Payment) -> tuple[object, ...]:
    """Return what decides between two that stand in one place."""
    details = said.failure_details
    more = msgspec.json.encode(details, order="deterministic") if details else b""
    code, message = said.failure_code or "", said.failure_message or ""
    return said.amount, said.currency, code, message, said.decline_code or "", more


def _failure(payment: Payment, reported: ReportedPayment) -> Row:
    """Return what else an event says of the failure that a payment stands in."""
    said, known = _content(reported), _content(payment)
    if said[:-_WHY] != known[:-_WHY] or said <= known:
        return {}
    return {"declineCode": reported.decline_code, "failureDetails": reported.failure_details}


def _details(payment: Payment, reported: ReportedPayment, place: Place, stands: Place) -> Row:
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
