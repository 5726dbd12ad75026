"""Decide about events that did not fit: accept what was paid, or reject it with a reason."""

from datetime import datetime

from service.audit.operations import Act, record
from service.sessions import repository as sessions
from service.sessions.documents import Review, Session
from service.sessions.operations.move import Why, move
from service.sessions.operations.settle.event import Mismatch
from service.sessions.states import Status, is_late
from service.storage.database import Row
from service.storage.transactions import Transaction, answers_in_time, in_transaction
from service.web.principal import Principal
from service.webhooks import repository
from service.webhooks.documents import Decision, WebhookEvent
from service.webhooks.errors import AlreadyDecided, ReviewNotFound
from service.webhooks.operations.inbox import Inbox
from service.webhooks.states import InboxStatus


async def accept_review(review_id: str, by: Principal, reason: str | None, inbox: Inbox) -> Session:
    """Accept a payment as it is: an open or ended session is completed, a completed one stays.

    Raises `ReviewNotFound`, and `AlreadyDecided` for a second decision.
    """
    return await _decide(review_id, by, reason, inbox, accepted=True)


async def reject_review(review_id: str, by: Principal, reason: str, inbox: Inbox) -> Session:
    """Reject a payment: the session stays as it is, the ledger keeps the money's row.

    Raises `ReviewNotFound`, and `AlreadyDecided` for a second decision.
    """
    return await _decide(review_id, by, reason, inbox, accepted=False)


async def find_review(review_id: str, merchant_id: str) -> WebhookEvent:
    """Find a review by its event's id, or by the id of the session that it is about.

    By the session's id, the first that waits; where none does, one that was decided.
    """
    async with answers_in_time():
        row = await repository.find(review_id, merchant_id)
        if row is None or row.status is not InboxStatus.REVIEW:
            open_ones = await repository.open_reviews_of(merchant_id, review_id, None)
            decided = None
            if not open_ones:
                decided = await repository.decided_review_of(merchant_id, review_id)
            row = open_ones[0] if open_ones else decided
    if row is None:
        raise ReviewNotFound(review_id)
    return row


async def _decide(
    review_id: str, by: Principal, reason: str | None, inbox: Inbox, *, accepted: bool
) -> Session:
    now = inbox.clock.now()
    row = await find_review(review_id, by.merchant_id)
    decision = Decision(accepted=accepted, at=now, by=by.label, reason=reason)

    async def work(tx: Transaction) -> Session:
        if not await repository.decide(row.id, decision, now + inbox.keep_for, tx):
            raise AlreadyDecided(f"{row.id} has been decided.")
        for other in await _same_payment(tx, row):
            await repository.decide(other.id, decision, now + inbox.keep_for, tx)
        session = await sessions.find(by.merchant_id, row.session_id or "", tx)
        if session is None:
            raise ReviewNotFound(review_id)
        session = await _name_next(tx, session, now)
        if accepted and session.status is not Status.COMPLETED:
            session = await _complete(tx, session, row, by, inbox)
        verb = "accepted" if accepted else "rejected"
        detail = {"eventId": row.id, "why": row.reason}
        act = Act(f"review.{verb}", f"session:{session.session_id}", reason, {**detail})
        await record(tx, by, act, now)
        return session

    return await in_transaction(work)


async def _same_payment(tx: Transaction, row: WebhookEvent) -> list[WebhookEvent]:
    """Give the other waiting reviews of the same payment: a provider tells of one several times."""
    payment_id = _payment_id(row)
    if payment_id is None or row.session_id is None:
        return []
    waiting = await repository.open_reviews_of(row.merchant_id, row.session_id, tx)
    return [other for other in waiting if _payment_id(other) == payment_id]


async def _complete(
    tx: Transaction, session: Session, row: WebhookEvent, by: Principal, inbox: Inbox
) -> Session:
    now = inbox.clock.now()
    changes: Row = {
        "completedAt": now,
        "late": is_late(session.status, session.expires_at, now),
        "providerPaymentId": _payment_id(row),
        "opening": None,
    }
    why = Why(by.label, now, event_id=row.id, reason=f"accepted: {row.reason}")
    return await move(tx, session, Status.COMPLETED, why, inbox.lifetimes, changes)


async def _name_next(tx: Transaction, session: Session, now: datetime) -> Session:
    """Name the next undecided event of the session on it, or none."""
    waiting = await repository.open_reviews_of(session.merchant_id, session.session_id, tx)
    review = None
    if waiting:
        first = waiting[0]
        named = Review(
            reason=first.reason or Mismatch.AMOUNT.value, event_id=first.id, at=first.received_at
        )
        review = named.model_dump(by_alias=True)
    return await sessions.change(session, {"$set": {"review": review, "updatedAt": now}}, tx)


def _payment_id(row: WebhookEvent) -> str | None:
    for fact in row.facts:
        payment = fact.get("payment")
        if isinstance(payment, dict):
            return str(payment["providerPaymentId"])
    return None
