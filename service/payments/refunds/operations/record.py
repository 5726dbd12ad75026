"""Write what an event reports of a refund into its one row, and the sums into its payment's."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.derive import derive_refunds
from service.payments.payments.operations.merging import changes_said
from service.payments.payments.operations.reported import Origin
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.writing import moved
from service.payments.refunds.states import (
    RefundStatus,
    derived_id,
    place_of,
    status_reported,
    total,
)
from service.providers.facts import RefundUpdated
from service.storage.database import Row
from service.storage.transaction import Transaction

# What we have noted ourselves of one that nobody reported; whatever is reported overrules it.
_NOTED = frozenset({"failureCode", "failureMessage", "needsPerson"})


class RecordedRefund(Struct, frozen=True):
    """A refund as it stands once it was reported; `before` is None where nobody knew of it."""

    refund: Refund
    before: RefundStatus | None
    changed: bool


async def find_meant(tx: Transaction, origin: Origin, fact: RefundUpdated) -> Refund | None:
    """Find the refund that a fact is about: by the provider's id, else by ours.

    An id of ours may have been copied to another refund, in the provider's dashboard: it counts
    only where the row has no other id of the provider's.
    """
    key = (origin.provider, origin.account, fact.provider_refund_id)
    found = await repository.find_reported(*key, fact.refund_id, tx)
    for refund in found:
        if refund.provider_refund_id == fact.provider_refund_id:
            return refund
    for refund in found:
        if refund.provider_refund_id is None:
            return refund
    return None


async def record_refund(
    tx: Transaction,
    origin: Origin,
    fact: RefundUpdated,
    payment: Payment,
    now: datetime,
) -> RecordedRefund:
    """Merge what was reported of a payment's refund into its row, and derive the payment's sums.

    The result does not depend on the order of the calls. A fact that names a refund of ours and
    another payment than that one's makes a row of its own.
    """
    known = await find_meant(tx, origin, fact)
    if known is not None and known.payment_id != str(payment.id):
        known, payment = await _kept_apart(tx, known, payment)
    siblings = await repository.of_payment(str(payment.id), tx)
    if known is None:
        row = _new(origin, fact, payment, now)
        await repository.insert(row, tx)
        after = Refund.model_validate(row)
    else:
        changes = _changes(known, origin, fact)
        if not changes:
            return _recorded(known, known)
        changes |= {"unposted": True, "updatedAt": now}
        after = await repository.change(known, changes, _move(known, changes, origin, now), tx)
    others = [one for one in siblings if one.refund_id != after.refund_id]
    await derive(tx, payment, [*others, after], now)
    return _recorded(known, after)


def sums_of(payment: Payment, refunds: Iterable[Refund]) -> tuple[int, int]:
    """Return what is refunded and what is reserved by all refunds of a payment, in minor units.

    Those of another currency, voids, and what was paid back for a dispute took nothing of it.
    """
    return total((one.status, one.amount) for one in refunds if one.counts_in(payment.currency))


async def derive(
    tx: Transaction, payment: Payment, refunds: Sequence[Refund], now: datetime
) -> None:
    """Write into a payment's row what all of its refunds add up to."""
    refunded, reserved = sums_of(payment, refunds)
    await derive_refunds(tx, payment, refunded=refunded, reserved=reserved, now=now)


async def _kept_apart(
    tx: Transaction, known: Refund, payment: Payment
) -> tuple[Refund | None, Payment]:
    """Return what stands where a refund that was found is not of the payment that was.

    A row that the provider has named stays where it is; one of ours is not meant.
    """
    if known.provider_refund_id is None:
        return None, payment
    own = await payments.find(known.provider, known.account, known.provider_payment_id, tx)
    return known, own or payment


def _new(origin: Origin, fact: RefundUpdated, payment: Payment, now: datetime) -> Row:
    found, place = _said(origin, fact)
    said = {name: value for name, value in found.items() if value is not None}
    given: Row = {
        "live": origin.live,
        "refundId": derived_id(origin.provider, origin.account, fact.provider_refund_id),
        "paymentId": str(payment.id),
        "source": "provider",
        "createdAt": now,
        "updatedAt": now,
        "unposted": True,
        "places": dict.fromkeys(said, place),
        "history": [_moved(None, said, origin, now)],
    }
    return Refund.new_row(given | said | _of(payment))


def _of(payment: Payment) -> Row:
    return {
        "merchantId": payment.merchant_id,
        "provider": payment.provider,
        "account": payment.account,
        "providerPaymentId": payment.provider_payment_id,
        "sessionId": payment.session_id,
        "userId": payment.user_id,
    }


def _changes(known: Refund, origin: Origin, fact: RefundUpdated) -> Row:
    said, place = _said(origin, fact)
    if known.source != "provider":  # why we asked for it is ours to say
        del said["reason"]
    changes = changes_said(known, said, place)
    # It has no place among the facts, and one that says nothing of it would leave it there.
    overruled = dict.fromkeys(_NOTED - changes.get("places", known.places).keys())
    return known.differing(overruled | changes)


def _move(known: Refund, changes: Row, origin: Origin, now: datetime) -> Row | None:
    return _moved(known.status, changes, origin, now) if "status" in changes else None


def _moved(before: RefundStatus | None, said: Row, origin: Origin, now: datetime) -> Row:
    to = RefundStatus(said["status"])
    return moved(before, to, origin.provider, now, event_id=origin.inbox_id)


def _recorded(before: Refund | None, after: Refund) -> RecordedRefund:
    return RecordedRefund(after, before.status if before else None, after is not before)


def _said(origin: Origin, fact: RefundUpdated) -> tuple[Row, int]:
    """Return what a fact says, by the stored names, and its place in the order of all of them."""
    status = status_reported(fact.status)
    said: Row = {
        "providerRefundId": fact.provider_refund_id,
        "amount": fact.amount,
        "currency": fact.currency,
        "status": status.value,
        "reason": fact.reason,
        "failureCode": fact.failure_code,
        "failureMessage": fact.failure_message,
        "pendingReason": fact.pending_reason,
        "void": fact.voids or None,
        "chargeId": fact.charge_id,
        "bankReference": fact.bank_reference,
        "madeAt": fact.made_at,
        "eventId": origin.inbox_id,
    }
    return said, place_of(status, origin.occurred_at)
