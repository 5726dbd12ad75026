"""Apply what a provider surely said to a session: the one road to `completed`.

Every function here runs in the transaction of its event, on a session that was read in it. The
result is the same in whatever order the events come: see docs/architecture.md, "Any order".
"""

from enum import StrEnum

from msgspec import Struct

from service.outbox import operations as outbox
from service.outbox import repository as outbox_repository
from service.providers.base import VerifiedEvent
from service.providers.facts import NoPaymentRequired, Payment
from service.sessions import repository
from service.sessions.documents import Review, Session
from service.sessions.operations.move import Why, move
from service.sessions.states import OPEN, Lifetimes, Status, is_late, status_at
from service.storage.database import Row
from service.storage.transactions import Transaction

CAPTURE = "provider.capture"


class Mismatch(StrEnum):
    """Why an event does not fit its session; a person must look."""

    ACCOUNT = "account_mismatch"
    MODE = "mode_mismatch"
    CURRENCY = "currency_mismatch"
    AMOUNT = "amount_mismatch"
    PARTIAL = "partial_payment"
    NOT_FREE = "payment_was_due"
    SECOND = "duplicate_payment"


class Settling(Struct, frozen=True):
    """One event being applied: its transaction, the event, and what is decided for all sessions."""

    tx: Transaction
    event: VerifiedEvent
    why: Why
    lifetimes: Lifetimes
    merchant_id: str


class Settled(Struct, frozen=True):
    """The session as it now stands, and why the event went to review, if it did."""

    session: Session
    review: Mismatch | None = None


async def payment_succeeded(doing: Settling, session: Session, payment: Payment) -> Settled:
    """Complete the session, or send what does not fit to review."""
    completed = session.status is Status.COMPLETED
    if completed and session.provider_payment_id == payment.provider_payment_id:
        # Also one that does not fit and that a person has accepted.
        return Settled(await _set(doing, session, _paid_by(session, payment)))
    wrong = mismatch(session, doing.event, payment.amount, payment.currency)
    if wrong is None and completed:
        wrong = Mismatch.SECOND
    if wrong is not None:
        return await to_review(doing, session, wrong)
    changes = _completion(doing, session) | {"providerPaymentId": payment.provider_payment_id}
    changes |= _paid_by(session, payment)
    moved = await move(doing.tx, session, Status.COMPLETED, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def no_payment_required(
    doing: Settling, session: Session, fact: NoPaymentRequired
) -> Settled:
    """Complete a session that was opened with a trial or a full discount."""
    wrong = mismatch(session, doing.event, session.amount, fact.currency)
    if wrong is None and not session.free_allowed:
        wrong = Mismatch.NOT_FREE
    if session.status is Status.COMPLETED and wrong is None:
        return Settled(session)
    if wrong is not None:
        return await to_review(doing, session, wrong)
    changes = _completion(doing, session) | _news(session, fact.checkout_ref, fact.customer_id)
    moved = await move(doing.tx, session, Status.COMPLETED, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def payment_underway(
    doing: Settling, session: Session, payment: Payment, *, held: bool
) -> Settled:
    """Note that money is under way; `held`: it waits for our capture, which is asked for."""
    wrong = mismatch(session, doing.event, payment.amount, payment.currency)
    if wrong is not None:
        return await to_review(doing, session, wrong)
    if held and session.status not in {Status.COMPLETED, Status.CANCELED}:
        await outbox_repository.add_once([_capture(doing, session, payment)], doing.tx)
    now_standing = status_at(session.status, session.expires_at, doing.why.at)
    if now_standing not in {Status.PENDING, Status.PROCESSING}:
        return Settled(await _fill(doing, session, payment))
    live = sorted({*session.live_attempts, payment.provider_payment_id})
    changes = {"liveAttempts": live} | _news(session, payment.checkout_ref, payment.customer_id)
    if session.status is Status.PROCESSING:
        return Settled(await _set(doing, session, changes))
    moved = await move(doing.tx, session, Status.PROCESSING, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def payment_failed(doing: Settling, session: Session, payment: Payment) -> Settled:
    """Note that an attempt failed: the session goes back to pending if no other is under way."""
    if session.status is not Status.PROCESSING:
        return Settled(await _fill(doing, session, payment))
    live = [one for one in session.live_attempts if one != payment.provider_payment_id]
    changes = {"liveAttempts": live} | _news(session, payment.checkout_ref, payment.customer_id)
    if live or payment.provider_payment_id not in session.live_attempts:
        return Settled(await _set(doing, session, changes))
    to = _idle(session)
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


async def old_news(doing: Settling, session: Session, payment: Payment) -> Session:
    """Learn only ids from an event whose payment has gone on since."""
    return await _fill(doing, session, payment)


async def checkout_ended(doing: Settling, session: Session, ref: str, to: Status) -> Settled:
    """Fail or expire the session whose current checkout ended; an older one's end says nothing."""
    current = _current(session) or ref
    if _foreign(session, doing.event):
        return Settled(session)
    changes = _news(session, ref, None)
    if ref != current or session.status not in OPEN:
        return Settled(await _set(doing, session, changes))
    waits = session.status is Status.PROCESSING and bool(session.live_attempts)
    if to is Status.EXPIRED and waits:
        return Settled(await _set(doing, session, changes | {"endedRef": ref}))
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


async def nothing_underway(doing: Settling, session: Session) -> Settled:
    """End a processing session's wait: a re-read found no payment under way."""
    if session.status is not Status.PROCESSING:
        return Settled(session)
    changes: Row = {"liveAttempts": []}
    to = _idle(session)
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


async def to_review(doing: Settling, session: Session, wrong: Mismatch) -> Settled:
    """Put a session on the list of those that a person must look at; nothing else changes.

    Of several events the one with the smallest id is named, so that any order names the same.
    """
    inbox_id = doing.event.inbox_id
    named = session.review
    if named is None or inbox_id < named.event_id:
        review = Review(reason=wrong.value, event_id=inbox_id, at=doing.why.at)
        session = await _set(doing, session, {"review": review.model_dump(by_alias=True)})
    return Settled(session, wrong)


def mismatch(session: Session, event: VerifiedEvent, amount: int, currency: str) -> Mismatch | None:
    """Tell in which way an event's money is not the money that the session was opened for."""
    foreign = _foreign(session, event)
    if foreign is not None:
        return foreign
    if currency != session.currency:
        return Mismatch.CURRENCY
    return Mismatch.AMOUNT if amount != session.amount else None


def _foreign(session: Session, event: VerifiedEvent) -> Mismatch | None:
    if event.account != session.account:
        return Mismatch.ACCOUNT
    differs = event.live is not None and session.live is not None and event.live != session.live
    return Mismatch.MODE if differs else None


def _idle(session: Session) -> Status:
    """Give what follows when no payment is under way any more: the checkout may have run out."""
    over = session.ended_ref is not None and session.ended_ref == _current(session)
    return Status.EXPIRED if over else Status.PENDING


def _current(session: Session) -> str | None:
    return session.checkouts[-1].ref if session.checkouts else session.ended_ref


def _completion(doing: Settling, session: Session) -> Row:
    late = is_late(session.status, session.expires_at, doing.why.at)
    return {"completedAt": doing.why.at, "late": late, "opening": None}


def _news(session: Session, checkout_ref: str | None, customer_id: str | None) -> Row:
    """Give the ids that an event tells and the session does not know yet.

    Of several checkouts that were opened without us the smallest id is kept, so that any order
    keeps the same one, until a payment completes the session and names its own.
    """
    news: Row = {}
    known = session.provider_session_id
    unsettled = not session.checkouts and session.status is not Status.COMPLETED
    if checkout_ref and (known is None or (unsettled and checkout_ref < known)):
        news["providerSessionId"] = checkout_ref
    if customer_id and session.provider_customer_id is None:
        news["providerCustomerId"] = customer_id
    return news


def _paid_by(session: Session, payment: Payment) -> Row:
    """Give the ids of the payment that completes; they outweigh those of attempts before it.

    A checkout that we opened ourselves stays named: a provider may tell another id of it.
    """
    ours = bool(session.checkouts) and session.provider_session_id is not None
    ids = {
        "providerSessionId": None if ours else payment.checkout_ref,
        "providerCustomerId": payment.customer_id,
    }
    return {name: value for name, value in ids.items() if value}


async def _fill(doing: Settling, session: Session, payment: Payment) -> Session:
    news = _news(session, payment.checkout_ref, payment.customer_id)
    return await _set(doing, session, news)


async def _set(doing: Settling, session: Session, changes: Row) -> Session:
    if not changes:
        return session
    before = session.to_row()
    changes = {name: value for name, value in changes.items() if before[name] != value}
    if not changes:
        return session
    update = {"$set": {**changes, "updatedAt": doing.why.at}}
    return await repository.change(session, update, doing.tx)


def _capture(doing: Settling, session: Session, payment: Payment) -> Row:
    return outbox.message(
        CAPTURE,
        f"{session.provider}:{payment.provider_payment_id}",
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        payload={
            "provider": session.provider,
            "providerPaymentId": payment.provider_payment_id,
            "amount": payment.amount,
            "currency": payment.currency,
        },
        now=doing.why.at,
    )
