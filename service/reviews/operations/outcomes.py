"""What each decision does to the session, the ledger and the outbox, in its transaction."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct, structs

from service.outbox.operations.hearing import Heard
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.give_up import abandon_payment, reverse_payment
from service.payments.payments.states import CAME, PaymentStatus
from service.reviews.operations.choices import Case, Choice
from service.sessions import repository as sessions
from service.sessions.documents import Capturing, Session
from service.sessions.operations.moving.by_facts import move_by_facts
from service.sessions.operations.moving.complete import complete, completed_with
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.reviewing.captures import (
    PaymentState,
    as_row,
    next_claim,
    request_capture,
)
from service.sessions.operations.reviewing.doubts import UNRESOLVED
from service.sessions.states import Lifetimes, Status
from service.storage.database import Row
from service.storage.transaction import Transaction


class Deciding(Struct, frozen=True):
    """One decision: its transaction, what it is about, and by whom it is taken.

    What only those outside want to know is written where it is `heard`.
    """

    tx: Transaction
    case: Case
    cause: Cause
    lifetimes: Lifetimes
    heard: Heard


async def apply_choice(choice: Choice, deciding: Deciding, fields: Row) -> Session:
    """Apply a possible decision; `fields` are what any decision writes into the session."""
    return await _EFFECTS[choice](deciding, fields)


def has_come(case: Case) -> bool:
    """Return whether the money of a case had come when it was decided."""
    return case.payment is not None and case.payment.status in CAME


def awaits(case: Case) -> bool:
    """Return whether accepting must wait for a capture."""
    return case.payment is not None and case.payment.status is PaymentStatus.AUTHORIZED


async def _accept(deciding: Deciding, fields: Row) -> Session:
    case, session = deciding.case, deciding.case.session
    if case.payment is not None and awaits(case):
        return await _await_capture(deciding, case.payment, fields)
    await _post_anew(deciding)
    if session.status is Status.COMPLETED:
        return await _put(deciding, fields)
    doing = _words(deciding, "accepted")
    return await complete(doing, session, case.doubt.about, fields)


async def _post_anew(deciding: Deciding) -> None:
    """Have the money of a case posted as what the decision makes of it."""
    payment = deciding.case.payment
    if payment is not None:
        changes: Row = {"unposted": True, "updatedAt": payment.touched_at(deciding.cause.at)}
        await payments.change(payment, changes, deciding.tx)


async def _await_capture(deciding: Deciding, payment: Payment, fields: Row) -> Session:
    """Claim the capture of held money; its success completes the session, as any event would."""
    session, now = deciding.case.session, deciding.cause.at
    paid = payment.provider_payment_id
    claim = Capturing(payment_id=paid, at=now)
    live = {*session.live_attempts, paid}
    doing = _words(deciding, "accepted")
    after = await move_by_facts(doing, session, live, fields | _claim(claim), known=True)
    held = PaymentState(paid, payment.status, payment.amount, payment.currency)
    await request_capture(deciding.tx, session, after, held, now)
    return after


async def _reject(deciding: Deciding, fields: Row) -> Session:
    """Wait for the payment no longer; if it was to be captured, the next held one has its turn."""
    case, tx, now = deciding.case, deciding.tx, deciding.cause.at
    session, about = case.session, case.doubt.about
    if case.doubt.reason == UNRESOLVED and case.payment is not None:
        await abandon_payment(tx, case.payment, now, deciding.heard)
    others = [one for one in session.live_attempts if one != about]
    claim = session.capturing
    if claim is not None and claim.payment_id == about:
        claim = await next_claim(tx, session, others, now)
    waits = session.status is Status.PROCESSING and not others
    doing = _words(deciding, "rejected")
    after = await move_by_facts(doing, session, others, fields | _claim(claim), known=waits)
    await request_capture(tx, session, after, None, now)
    return after


def _claim(claim: Capturing | None) -> Row:
    return {"capturing": as_row(claim)}


def _words(deciding: Deciding, verdict: str) -> Deciding:
    reason = f"{verdict}: {deciding.case.doubt.reason}"
    return structs.replace(deciding, cause=structs.replace(deciding.cause, reason=reason))


async def _same_money(deciding: Deciding, fields: Row) -> Session:
    by_hand, now = deciding.case.completed_by, deciding.cause.at
    if by_hand is not None:
        await reverse_payment(deciding.tx, by_hand, now, deciding.heard)
    await _post_anew(deciding)
    return await _put(deciding, fields | completed_with(deciding.case.doubt.about))


async def _put(deciding: Deciding, fields: Row) -> Session:
    update = {"$set": {**fields, "updatedAt": deciding.cause.at}}
    return await sessions.change(deciding.case.session, update, deciding.tx)


_EFFECTS: Mapping[Choice, Callable[[Deciding, Row], Awaitable[Session]]] = {
    Choice.ACCEPT: _accept,
    Choice.REJECT: _reject,
    Choice.REJECT_AND_REFUND: _reject,
    Choice.SAME_MONEY: _same_money,
}
