"""Write what an event reports of a dispute into its row, and what it holds into its payment's."""

from datetime import datetime

from msgspec import Struct, structs

from service.payments.disputes import repository
from service.payments.disputes.documents import Dispute, DisputeMove
from service.payments.disputes.states import (
    OPEN,
    DisputeStatus,
    held_by,
    place_of,
    status_reported,
    withdrawn_by,
)
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.derive import derive_holds
from service.payments.payments.operations.merging import changes_said
from service.payments.payments.operations.reported import Origin
from service.providers.facts import DisputeUpdated, Movement
from service.storage.database import Row
from service.storage.transaction import Transaction

_MAKE_WHAT_FOLLOWS = ("status", "amount", "currency", "deducted", "closedAt")


class RecordedDispute(Struct, frozen=True):
    """A dispute as it stands once it was reported; `before` is None where nobody knew of it."""

    dispute: Dispute
    before: DisputeStatus | None
    changed: bool


async def record_dispute(
    tx: Transaction,
    origin: Origin,
    fact: DisputeUpdated,
    payment: Payment,
    now: datetime,
) -> RecordedDispute:
    """Merge what was reported of a payment's dispute into its row, and derive what it holds.

    The result does not depend on the order of the calls.
    """
    known = await repository.find(origin.provider, origin.account, fact.provider_dispute_id, tx)
    if known is not None and known.payment_id != str(payment.id):
        key = (known.provider, known.account, known.provider_payment_id)
        payment = await payments.find(*key, tx) or payment
    siblings = await repository.of_payment(str(payment.id), tx)
    blank = known or _blank(origin, fact, payment, now)
    changes = _changes(blank, origin, fact)
    if known is not None and not changes:
        return RecordedDispute(known, known.status, changed=False)
    changes |= {"unposted": True, "updatedAt": now}
    if known is None:
        row = blank.to_row() | changes
        row["history"] = [_moved(None, str(row["status"]), origin, now)]
        await repository.insert(row, tx)
        after = Dispute.model_validate(row)
    else:
        to = changes.get("status")
        move = _moved(known.status, str(to), origin, now) if to is not None else None
        after = await repository.change(known, changes, move, tx)
    key_of = after.provider_dispute_id
    others = [one for one in siblings if one.provider_dispute_id != key_of]
    held = sum(one.takes_of(payment) for one in (*others, after))
    await derive_holds(tx, payment, held=held, now=now)
    return RecordedDispute(after, known.status if known else None, changed=True)


def _blank(origin: Origin, fact: DisputeUpdated, payment: Payment, now: datetime) -> Dispute:
    """Make a dispute of which nothing was said yet but whose it is."""
    return Dispute(
        merchant_id=payment.merchant_id,
        provider=origin.provider,
        account=origin.account,
        live=origin.live,
        provider_dispute_id=fact.provider_dispute_id,
        payment_id=str(payment.id),
        provider_payment_id=payment.provider_payment_id,
        session_id=payment.session_id,
        user_id=payment.user_id,
        amount=fact.amount,
        currency=fact.currency,
        status=status_reported(fact.status),
        created_at=now,
        updated_at=now,
    )


def _changes(dispute: Dispute, origin: Origin, fact: DisputeUpdated) -> Row:
    """Return what a fact changes of a dispute's row, with all that follows from that."""
    changes = changes_said(dispute, _said(origin, fact), place_of(fact, origin.occurred_at))
    movements = _movements(dispute, fact)
    told = {name: dispute.stored(name) for name in _MAKE_WHAT_FOLLOWS} | changes
    return dispute.differing(changes | {"movements": movements} | _following(told, movements))


def _moved(before: DisputeStatus | None, to: str, origin: Origin, now: datetime) -> Row:
    from_ = before.value if before else None
    given: Row = {"at": now, "from": from_, "to": to, "by": origin.provider}
    return DisputeMove.new_row(given | {"eventId": origin.inbox_id})


def _said(origin: Origin, fact: DisputeUpdated) -> Row:
    status = status_reported(fact.status)
    return {
        "amount": fact.amount,
        "currency": fact.currency,
        "status": status.value,
        "providerStatus": fact.provider_status or fact.status,
        "phase": fact.phase,
        "reason": fact.reason,
        "respondBy": fact.respond_by,
        "refundable": fact.is_charge_refundable,
        "evidenceSubmitted": fact.evidence_submitted or None,
        "deducted": fact.deducted,
        "chargeId": fact.charge_id,
        "openedAt": fact.opened_at,
        "closedAt": None if status in OPEN else origin.occurred_at,
        "eventId": origin.inbox_id,
    }


def _movements(dispute: Dispute, fact: DisputeUpdated) -> list[Row]:
    """Return all movements by their ids, those that are known and those that a fact names."""
    known = {one.id: one.model_dump(by_alias=True) for one in dispute.movements}
    told: list[Row] = [structs.asdict(one) for one in fact.movements]
    known |= {one["id"]: one for one in told if one["id"] not in known}
    return [known[id_] for id_ in sorted(known)]


def _following(told: Row, movements: list[Row]) -> Row:
    """Return what follows from a dispute's facts: what is withdrawn and held, and when it ended."""
    status, amount = DisputeStatus(told["status"]), told["amount"]
    moved = [Movement(**one) for one in movements]
    withdrawn = withdrawn_by(moved, told["deducted"], amount, told["currency"])
    return {
        "withdrawn": withdrawn,
        "held": held_by(status, withdrawn, amount),
        "closedAt": None if status in OPEN else told["closedAt"],
    }
