"""What the end of a checkout does to its session."""

from service.sessions.documents import Checkout, CheckoutEnd, Session
from service.sessions.operations.settle.event import Settled, Settling
from service.sessions.operations.settle.fields import news
from service.sessions.operations.settle.reviews import foreign
from service.sessions.operations.settle.standing import stand
from service.sessions.states import SETTLED, is_more_final
from service.storage.database import Row


async def checkout_ended(doing: Settling, session: Session, ref: str, word: CheckoutEnd) -> Settled:
    """Keep the most final word on a checkout; the session ends with its current one.

    Not while a payment of it is under way: then the word takes effect when that fails.
    """
    if foreign(session, doing.event):
        return Settled(session)
    changes = news(session, ref, None) | _noted(session, ref, word)
    return Settled(await stand(doing, session, session.live_attempts, changes))


def _noted(session: Session, ref: str, word: CheckoutEnd) -> Row:
    """Return what keeps the word; an end of a checkout that is not the session's says nothing."""
    if any(one.n for one in session.checkouts):
        after = [_with(one, word) if _is(one, ref, word) else one for one in session.checkouts]
        if after == session.checkouts:
            return {}
        return {"checkouts": [one.model_dump(by_alias=True) for one in after]}
    named = not session.checkouts or any(one.ref == ref for one in session.checkouts)
    if session.status in SETTLED or not named or not is_more_final(word, session.checkout_ended):
        return {}
    return {"checkoutEnded": word}


def _is(checkout: Checkout, ref: str, word: CheckoutEnd) -> bool:
    ours = checkout.ref == ref and checkout.n > 0
    return ours and is_more_final(word, checkout.ended)


def _with(checkout: Checkout, word: CheckoutEnd) -> Checkout:
    return checkout.model_copy(update={"ended": word})
