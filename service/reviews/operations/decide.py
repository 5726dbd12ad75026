"""Decide about a payment that did not fit: accept it, reject it, or take it for a hand entry."""

import asyncio
from datetime import datetime

from service.core.errors import Conflict
from service.core.principal import Principal
from service.inbox import repository
from service.inbox.documents import Decision, WebhookEvent
from service.inbox.errors import AlreadyDecided
from service.payments.payments import repository as payments
from service.reviews.errors import ReviewNotFound
from service.reviews.operations.choices import ALREADY_DECIDED, Case, Choice, Wish, outlook
from service.reviews.operations.find import case_of, doubt_of, find_review
from service.reviews.operations.keep import decided_fields, keep_decision
from service.reviews.operations.outcomes import Deciding, apply_choice, awaits
from service.reviews.operations.trail import keep_trail
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.documents import Session
from service.sessions.operations.moving.move import Cause
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# Many decisions of one review at once would conflict so often that none of them ends in time.
_A_FEW = asyncio.Semaphore(4)


async def decide_review(
    review_id: str, wish: Wish, by: Principal, services: CheckoutServices
) -> Session:
    """Decide about a payment, once and for good; return the session as it then stands.

    Raises `ReviewNotFound`, `AlreadyDecided` for a second decision, `SeveralPayments`, and
    `Conflict` with a code of its own where the decision is not possible: see `choices`.
    """
    async with _A_FEW:
        found = await find_review(review_id, by.merchant_id)
        doubt_of(found, wish.payment_id)  # what is decided by now needs no transaction
        return await _decide(found, wish, by, services)


async def _decide(
    found: WebhookEvent, wish: Wish, by: Principal, services: CheckoutServices
) -> Session:
    now = services.clock.now()

    async def work(tx: Transaction) -> Session:
        row = await repository.find(found.id, by.merchant_id, tx)
        session = await sessions.find_within(tx, by.merchant_id, found.session_id or "")
        if row is None or session is None:
            raise ReviewNotFound(found.id)
        case = await case_of(tx, row, doubt_of(row, wish.payment_id), session)
        _refuse(wish.choice, case)
        if wish.choice is not Choice.REJECT and case.payment is not None:
            # Whatever an event reports of it meanwhile must conflict with what is decided here.
            await payments.change(case.payment, {"updatedAt": now}, tx)
        waiting = await keep_decision(tx, case, _decision(wish, case, by, now), services.inbox)
        deciding = Deciding(
            tx, case, Cause(by.label, now, event_id=row.id), services.rules.lifetimes
        )
        session = await apply_choice(
            wish.choice, deciding, decided_fields(wish, case, waiting, now)
        )
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
