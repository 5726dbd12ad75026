"""What a payment does to its session."""

from service.outbox import repository as outbox_repository
from service.providers.facts import NoPaymentRequired, Payment
from service.sessions.documents import Session
from service.sessions.operations.move import move
from service.sessions.operations.settle.captures import capture_message
from service.sessions.operations.settle.checkouts import idle
from service.sessions.operations.settle.event import Mismatch, Settled, Settling
from service.sessions.operations.settle.fields import completion, fill, news, paid_by, put
from service.sessions.operations.settle.reviews import mismatch, to_review
from service.sessions.states import Status, status_at


async def payment_succeeded(doing: Settling, session: Session, payment: Payment) -> Settled:
    """Complete the session, or send what does not fit to review."""
    completed = session.status is Status.COMPLETED
    if completed and session.provider_payment_id == payment.provider_payment_id:
        # Also one that does not fit and that a person has accepted.
        return Settled(await put(doing, session, paid_by(doing, session, payment)))
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong is None and completed:
        wrong = Mismatch.SECOND
    if wrong is not None:
        return await to_review(doing, session, wrong)
    changes = completion(doing, session) | {"providerPaymentId": payment.provider_payment_id}
    changes |= paid_by(doing, session, payment)
    moved = await move(doing.tx, session, Status.COMPLETED, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def no_payment_required(
    doing: Settling, session: Session, fact: NoPaymentRequired
) -> Settled:
    """Complete a session that was opened with a trial or a full discount."""
    wrong = mismatch(doing, session, session.amount, fact.currency)
    if wrong is None and not session.free_allowed:
        wrong = Mismatch.NOT_FREE
    if session.status is Status.COMPLETED and wrong is None:
        return Settled(session)
    if wrong is not None:
        return await to_review(doing, session, wrong)
    changes = completion(doing, session) | news(session, fact.checkout_ref, fact.customer_id)
    moved = await move(doing.tx, session, Status.COMPLETED, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def payment_underway(
    doing: Settling, session: Session, payment: Payment, *, held: bool
) -> Settled:
    """Note that money is under way; `held`: it waits for our capture, which is asked for."""
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong is not None:
        return await to_review(doing, session, wrong)
    if held and session.status not in {Status.COMPLETED, Status.CANCELED}:
        await outbox_repository.add_once([capture_message(doing, session, payment)], doing.tx)
    now_standing = status_at(session.status, session.expires_at, doing.why.at)
    if now_standing not in {Status.PENDING, Status.PROCESSING}:
        return Settled(await fill(doing, session, payment))
    live = sorted({*session.live_attempts, payment.provider_payment_id})
    changes = {"liveAttempts": live} | news(session, payment.checkout_ref, payment.customer_id)
    if session.status is Status.PROCESSING:
        return Settled(await put(doing, session, changes))
    moved = await move(doing.tx, session, Status.PROCESSING, doing.why, doing.lifetimes, changes)
    return Settled(moved)


async def payment_failed(doing: Settling, session: Session, payment: Payment) -> Settled:
    """Note that an attempt failed: the session goes back to pending if no other is under way."""
    if session.status is not Status.PROCESSING:
        return Settled(await fill(doing, session, payment))
    live = [one for one in session.live_attempts if one != payment.provider_payment_id]
    changes = {"liveAttempts": live} | news(session, payment.checkout_ref, payment.customer_id)
    if live or payment.provider_payment_id not in session.live_attempts:
        return Settled(await put(doing, session, changes))
    to = idle(session)
    return Settled(await move(doing.tx, session, to, doing.why, doing.lifetimes, changes))


async def old_news(doing: Settling, session: Session, payment: Payment) -> Session:
    """Learn only ids from an event whose payment has gone on since."""
    return await fill(doing, session, payment)
