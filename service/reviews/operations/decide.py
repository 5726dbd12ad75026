"""Decide about a payment that did not fit: accept it, reject it, or take it for a hand entry.

What is given back goes out as every refund does, and is written with the decision.
"""

import asyncio

from service.core.principal import Principal
from service.inbox import repository
from service.inbox.documents import WebhookEvent
from service.payments.payments import repository as payments
from service.payments.refunds.operations.writing import Doing
from service.payments.refunds.sending.services import RefundServices
from service.reviews.errors import ReviewNotFound
from service.reviews.operations.choices import REJECTIONS, Wish
from service.reviews.operations.find import case_of, doubt_of, find_review, refuse
from service.reviews.operations.give_back import DecidedReview, ask_for, give_back
from service.reviews.operations.keep import decided_fields, decision_of, keep_decision
from service.reviews.operations.outcomes import Deciding, apply_choice
from service.reviews.operations.trail import keep_trail, tell
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.operations.moving.move import Cause
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# Many decisions of one review at once would conflict so often that none of them ends in time.
_A_FEW = asyncio.Semaphore(4)


async def decide_review(
    review_id: str,
    wish: Wish,
    by: Principal,
    services: CheckoutServices,
    refunding: RefundServices,
) -> DecidedReview:
    """Decide about a payment, once and for good; return the session as it then stands.

    Raises `ReviewNotFound`, `AlreadyDecided` for a second decision, `SeveralPayments`, and
    `Conflict` with a code of its own where the decision is not possible: see `choices`.
    """
    async with _A_FEW:
        found = await find_review(review_id, by.merchant_id)
        doubt_of(found, wish.payment_id)  # what is decided by now needs no transaction
        decided = await _decide(found, wish, by, services, refunding)
    return await ask_for(decided, refunding)


async def _decide(
    found: WebhookEvent,
    wish: Wish,
    by: Principal,
    services: CheckoutServices,
    refunding: RefundServices,
) -> DecidedReview:
    now = services.clock.now()

    async def work(tx: Transaction) -> DecidedReview:
        row = await repository.find(found.id, by.merchant_id, tx)
        session = await sessions.find_within(tx, by.merchant_id, found.session_id or "")
        if row is None or session is None:
            raise ReviewNotFound(found.id)
        case = await case_of(tx, row, doubt_of(row, wish.payment_id), session)
        refuse(wish.choice, case)
        if wish.choice not in REJECTIONS and case.payment is not None:
            # Whatever an event reports of it meanwhile must conflict with what is decided here.
            written: Row = {"updatedAt": case.payment.touched_at(now)}
            await payments.change(case.payment, written, tx)
        waiting = await keep_decision(tx, case, decision_of(wish, case, by, now), services.inbox)
        cause, rules = Cause(by.label, now, event_id=row.id), services.rules
        deciding = Deciding(tx, case, cause, rules.lifetimes, rules.heard)
        session = await apply_choice(
            wish.choice, deciding, decided_fields(wish, case, waiting, now)
        )
        await keep_trail(tx, by, wish, case, row, now)
        await tell(tx, session, wish, case, row, now)
        return DecidedReview(
            session, await give_back(Doing(tx, by, now), wish, case, refunding.rules)
        )

    return await in_transaction(work)
