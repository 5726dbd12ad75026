"""Keep a session's `review` consistent with the reviews in the inbox after every event."""

from service.inbox import repository
from service.inbox.documents import Doubt, WebhookEvent
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.keeping import strip_row
from service.inbox.states import InboxStatus
from service.payments.payments import repository as payments
from service.payments.payments.states import LIVE, PaymentStatus
from service.sessions import repository as sessions
from service.sessions.documents import Decided, Session
from service.sessions.operations.reviewing.decisions import awaited
from service.sessions.operations.reviewing.doubts import UNRESOLVED, decide_on, named_of, undecided
from service.sessions.states import FINAL, Status
from service.storage.database import Row
from service.storage.transaction import Transaction

_CAPTURABLE = LIVE | {PaymentStatus.SUCCEEDED}


def concerns_reviews(before: WebhookEvent | None, found: Session | None) -> bool:
    """Return whether there is anything to synchronise: see `sync_reviews`."""
    if before is not None and before.status is InboxStatus.REVIEW:
        return True
    return found is not None and (found.review is not None or bool(awaited(found)))


async def sync_reviews(
    tx: Transaction,
    before: WebhookEvent | None,
    found: Session | None,
    session: Session | None,
    inbox: Inbox,
) -> None:
    """Update the reviews of a session after an event was applied to it.

    A review accepted while its money was held is finished once it completed the session, and
    reopened if its capture failed. An unresolved payment's review is closed once its outcome is
    reported. An event that is no longer in review is not named. `before` is the event's row of an
    earlier try, `found` the session as it was; if neither is in review there is nothing to do.
    """
    reviewed = before is not None and before.status is InboxStatus.REVIEW
    if before is not None and reviewed and before.session_id is not None:
        if session is None or session.session_id != before.session_id:
            left = await sessions.find_within(tx, before.merchant_id, before.session_id)
            if left is not None:
                await _sync(tx, [], left, inbox)
    if session is None or found is None:
        return
    waited = awaited(found)
    if reviewed or waited or found.review is not None:
        await _sync(tx, waited, session, inbox)


async def resync_reviews(tx: Transaction, session: Session, inbox: Inbox) -> Session:
    """Do the same without an event: a payment was asked about, or was given up."""
    return await _sync(tx, awaited(session), session, inbox)


async def _sync(tx: Transaction, waited: list[Decided], session: Session, inbox: Inbox) -> Session:
    now = inbox.clock.now()
    rows = await repository.open_reviews_of(session.merchant_id, session.session_id, tx)
    after, decisions, capturing = rows, list(session.decisions), session.capturing
    for one in waited:
        if _completed_by(session, one):
            after = [_finished(row, one.payment_id) for row in after]
        elif not await _still_captured(tx, session, one):
            after = [_reopened(row, one.payment_id) for row in after]
            decisions = [other for other in decisions if other.payment_id != one.payment_id]
            if capturing is not None and capturing.payment_id == one.payment_id:
                capturing = None
    after = [await _unless_resolved(tx, session, row) for row in after]
    for row, changed in zip(rows, after, strict=True):
        if changed is not row:
            await repository.write_review(strip_row(changed, inbox), now + inbox.keep_for, tx)
    named = named_of(after)
    fields: Row = {
        "review": named.model_dump(by_alias=True) if named else None,
        "decisions": [one.model_dump(by_alias=True) for one in decisions],
        "capturing": capturing.model_dump(by_alias=True) if capturing else None,
    }
    if not session.differing(fields):
        return session
    return await sessions.change(session, {"$set": {**fields, "updatedAt": now}}, tx)


def _completed_by(session: Session, one: Decided) -> bool:
    completed = session.status is Status.COMPLETED
    return completed and session.provider_payment_id == one.payment_id


async def _still_captured(tx: Transaction, session: Session, one: Decided) -> bool:
    capturing = session.capturing is not None and session.capturing.payment_id == one.payment_id
    if not capturing or session.status in FINAL:
        return False
    known = await payments.find(session.provider, session.account, one.payment_id, tx)
    return known is not None and known.status in _CAPTURABLE


def _finished(row: WebhookEvent, about: str) -> WebhookEvent:
    doubt = _of(row, about)
    if doubt is None or doubt.decision is None:
        return row
    return decide_on(row, about, doubt.decision.model_copy(update={"awaiting": False}))


def _reopened(row: WebhookEvent, about: str) -> WebhookEvent:
    doubt = _of(row, about)
    return row if doubt is None or doubt.decision is None else decide_on(row, about, None)


def _of(row: WebhookEvent, about: str) -> Doubt | None:
    return next((doubt for doubt in row.doubts if doubt.about == about), None)


async def _unless_resolved(tx: Transaction, session: Session, row: WebhookEvent) -> WebhookEvent:
    """Close the review of an unresolved payment, once the ledger knows how it ended."""
    doubts = undecided(row)
    if not doubts or any(doubt.reason != UNRESOLVED for doubt in doubts):
        return row
    known = await payments.find(session.provider, session.account, doubts[0].about, tx)
    waits = known.status in LIVE if known else session.status is Status.PROCESSING
    if waits:
        return row
    done = {"status": InboxStatus.PROCESSED, "doubts": [], "reason": "it was told since"}
    resolved: WebhookEvent = row.model_copy(update=done)
    return resolved
