"""What comes of a payment after a person has decided about it."""

from service.providers.facts import Payment
from service.sessions.documents import Decided, Session
from service.sessions.operations.complete import complete
from service.sessions.operations.settle.event import Mismatch, Settled, Settling
from service.sessions.operations.settle.fields import paid_by, put, told_again
from service.sessions.operations.settle.reviews import to_review
from service.sessions.states import Status


async def decided_money_came(
    doing: Settling, session: Session, payment: Payment, decided: Decided
) -> Settled:
    """Complete with money that was accepted while it was held; review what came after a rejection.

    The amount is not compared again: it is what was accepted. Money that had come before it was
    rejected was decided about as it is, and its other events say nothing new. Neither do those of a
    payment that another session has claimed since.
    """
    if doing.stranger is Mismatch.ANOTHERS:
        return Settled(session)
    if decided.verdict == "rejected":
        if decided.paid:
            return Settled(session)
        return await to_review(doing, session, Mismatch.AFTER_REJECTION)
    if session.status is Status.COMPLETED:
        own = session.provider_payment_id == payment.provider_payment_id
        ids = told_again(doing, session, payment) if own else {}
        return Settled(await put(doing, session, ids))
    ids = paid_by(doing, session, payment)
    return Settled(await complete(doing, session, payment.provider_payment_id, ids))
