"""What comes of a payment after a person has decided about it."""

from service.effects.applying import Applied, Applying
from service.effects.fields import ids_reported_again, paid_by
from service.effects.reviewing import to_review
from service.providers.facts import Payment
from service.sessions.documents import Decided, Session
from service.sessions.operations.moving.by_facts import put
from service.sessions.operations.moving.complete import complete
from service.sessions.states import Mismatch, Status


async def decided_money_came(
    doing: Applying, session: Session, payment: Payment, decided: Decided
) -> Applied:
    """Complete with money that was accepted while it was held; review what came after a rejection.

    The amount is not compared again: it is what was accepted. Money that had come before it was
    rejected was decided about as it is, and its other events say nothing new. Neither do those of a
    payment that another session has claimed since.
    """
    if doing.stranger is Mismatch.ANOTHERS:
        return Applied(session)
    if decided.verdict == "rejected":
        if decided.paid:
            return Applied(session)
        return await to_review(doing, session, Mismatch.AFTER_REJECTION)
    if session.status is Status.COMPLETED:
        own = session.provider_payment_id == payment.provider_payment_id
        ids = ids_reported_again(doing, session, payment) if own else {}
        return Applied(await put(doing, session, ids))
    ids = paid_by(doing, session, payment)
    return Applied(await complete(doing, session, payment.provider_payment_id, ids))
