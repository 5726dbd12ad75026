"""What the facts about a checkout do to its session. The session itself is their ledger."""

from functools import partial
from typing import assert_never

from service.effects.applying import Applied, Applying, SessionStep
from service.effects.fields import ids_of, new_ids
from service.effects.ownership import check_ownership
from service.effects.reviewing import foreign, mismatch, to_review
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFact,
    CheckoutFailed,
    CheckoutOpen,
    NoPaymentRequired,
)
from service.sessions.documents import Checkout, CheckoutEnd, Session
from service.sessions.operations.moving.by_facts import move_by_facts
from service.sessions.operations.moving.complete import complete
from service.sessions.states import FINAL, Mismatch, Status, is_more_final
from service.storage.database import Row


def session_step(fact: CheckoutFact) -> SessionStep:
    """Return what a session does with a fact about a checkout of it."""
    match fact:
        case NoPaymentRequired():
            return partial(no_payment_required, fact=fact)
        case CheckoutFailed(checkout_ref=ref):
            return partial(checkout_ended, ref=ref, word="failed")
        case CheckoutExpired(checkout_ref=ref):
            return partial(checkout_ended, ref=ref, word="expired")
        case CheckoutOpen():
            return _checkout_open
        case _:
            assert_never(fact)


async def no_payment_required(
    doing: Applying, session: Session, fact: NoPaymentRequired
) -> Applied:
    """Complete a session that was opened with a trial or a full discount."""
    doing = check_ownership(doing, session, None)
    wrong = mismatch(doing, session, session.amount, fact.currency)
    if wrong is None and not session.free_allowed:
        wrong = Mismatch.NOT_FREE
    if session.status is Status.COMPLETED and wrong is None:
        return Applied(session)
    if wrong is not None:
        return await to_review(doing, session, wrong)
    ids = ids_of(session, fact.checkout_ref, fact.customer_id)
    return Applied(await complete(doing, session, None, ids))


async def _checkout_open(doing: Applying, session: Session) -> Applied:
    """Do nothing: who asked knows whether the answer is still true (`sessions/checkouts`)."""
    return Applied(session)


async def checkout_ended(doing: Applying, session: Session, ref: str, word: CheckoutEnd) -> Applied:
    """Keep the most final word on a checkout; the session ends with its current one.

    Not while a payment of it is under way: then the word takes effect when that fails.
    """
    if foreign(session, doing.event):
        return Applied(session)
    changes = new_ids(session, ref, None) | _noted(session, ref, word)
    return Applied(await move_by_facts(doing, session, session.live_attempts, changes))


def _noted(session: Session, ref: str, word: CheckoutEnd) -> Row:
    """Return what keeps the word; an end of a checkout that is not the session's says nothing."""
    if any(one.n for one in session.checkouts):
        after = [_with(one, word) if _is(one, ref, word) else one for one in session.checkouts]
        if after == session.checkouts:
            return {}
        return {"checkouts": [one.model_dump(by_alias=True) for one in after]}
    named = not session.checkouts or any(one.ref == ref for one in session.checkouts)
    if session.status in FINAL or not named or not is_more_final(word, session.checkout_ended):
        return {}
    return {"checkoutEnded": word}


def _is(checkout: Checkout, ref: str, word: CheckoutEnd) -> bool:
    ours = checkout.ref == ref and checkout.n > 0
    return ours and is_more_final(word, checkout.ended)


def _with(checkout: Checkout, word: CheckoutEnd) -> Checkout:
    return checkout.model_copy(update={"ended": word})
