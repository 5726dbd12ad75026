"""Decide about a payment that did not fit: accept it, reject it, or take it for a hand entry."""

import asyncio
from datetime import datetime

from service.core.errors import Conflict
from service.core.principal import Principal
from service.inbox import repository
from service.inbox.documents import Decision, WebhookEvent
from service.inbox.errors import AlreadyDecided, ReviewNotFound
from service.inbox.operations.inbox import Inbox, strip_row
from service.inbox.operations.review.choices import ALREADY_DECIDED, Case, Choice, Wish, outlook
from service.inbox.operations.review.doubts import decide_on, named_of
from service.inbox.operations.review.effects import Deciding, apply_choice, awaits, has_come
from service.inbox.operations.review.find import case_of, doubt_of, find_review
from service.inbox.operations.review.trail import keep_trail
from service.payments.payments import repository as payments
from service.sessions import repository as sessions
from service.sessions.documents import Decided, Session
from service.sessions.operations.move import Why
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# Many decisions of one review at once would conflict so often that none of them ends in time.
_A_FEW = asyncio.Semaphore(4)


async def decide_review(review_id: str, wish: Wish, by: Principal, inbox: Inbox) -> Session:
    """Decide about a payment, once and for good; return the session as it then stands.

    Raises `ReviewNotFound`, `AlreadyDecided` for a second decision, `SeveralPayments`, and
    `Conflict` with a code of its own where the decision is not possible: see `choices`.
    """
    async with _A_FEW:
        found = await find_review(review_id, by.merchant_id)
        doubt_of(found, wish.payment_id)  # what is decided by now needs no transaction
        return await _decide(found, wish, by, inbox)


async def _decide(found: WebhookEvent, wish: Wish, by: Principal, inbox: Inbox) -> Session:
    now = inbox.clock.now()

    async def work(tx: Transaction) -> Session:
        row = await repository.find(found.id, by.merchant_id, tx)
        session = await sessions.find(by.merchant_id, found.session_id or "", tx)
        if row is None or session is None:
            raise ReviewNotFound(found.id)
        case = await case_of(tx, row, doubt_of(row, wish.payment_id), session)
        _refuse(wish.choice, case)
        if wish.choice is not Choice.REJECT and case.payment is not None:
            # Whatever an event tells of it meanwhile must conflict with what is decided here.
            await payments.change(case.payment, {"updatedAt": now}, tx)
        waiting = await _keep_decision(tx, case, _decision(wish, case, by, now), inbox)
        deciding = Deciding(tx, case, Why(by.label, now, event_id=row.id), inbox.lifetimes)
        session = await apply_choice(wish.choice, deciding, _fields(wish, case, waiting, now))
        await keep_trail(tx, by, wish, case, row, now)
        return session

    return await in_transaction(work)


def _refuse(choice: Choice, case: Case) -> None:
    look = outlook(choice, case)
    if look.code == ALREADY_DECIDED:
        raise AlreadyDecided(look.words)
    if not look.possible:
        raise Conflict(look.words, code=look.code)


def _decision(wish: Wish, case: Case, by: Principal, now: datetime) -> Decision:
    return Decision(
        accepted=wish.choice is not Choice.REJECT,
        verdict=wish.verdict,
        at=now,
        by=by.label,
        reason=wish.reason,
        awaiting=wish.choice is Choice.ACCEPT and awaits(case),
    )


async def _keep_decision(
    tx: Transaction, case: Case, decision: Decision, inbox: Inbox
) -> list[WebhookEvent]:
    """Keep it on all that waits of the payment: a provider tells of one several times.

    Gives the session's reviews as they then stand.
    """
    session, about = case.session, case.doubt.about
    waiting = await repository.open_reviews_of(session.merchant_id, session.session_id, tx)
    after = [_decided(row, about, decision) for row in waiting]
    for row, changed in zip(waiting, after, strict=True):
        if changed is not row:
            await repository.write_review(
                strip_row(changed, inbox), decision.at + inbox.keep_for, tx
            )
    return [row for row in after if row.decision is None]


def _decided(row: WebhookEvent, about: str, decision: Decision) -> WebhookEvent:
    changed = decide_on(row, about, decision)
    return changed if changed.doubts != row.doubts else row


def _fields(wish: Wish, case: Case, waiting: list[WebhookEvent], now: datetime) -> Row:
    """Return what any decision writes into the session: itself, and the next review."""
    about = case.doubt.about
    decided = Decided(payment_id=about, verdict=wish.verdict, at=now, paid=has_come(case))
    others = [one for one in case.session.decisions if one.payment_id != about]
    named = named_of(waiting)
    return {
        "decisions": [one.model_dump(by_alias=True) for one in (*others, decided)],
        "review": named.model_dump(by_alias=True) if named else None,
    }
