"""What a payment does to its session."""

from service.payments.payments.operations import Recorded
from service.payments.payments.states import LIVE, PaymentStatus
from service.providers.facts import NoPaymentRequired, Payment
from service.sessions.documents import Session
from service.sessions.operations.complete import complete
from service.sessions.operations.settle.captures import Standing, as_row, claimed, tell_claim
from service.sessions.operations.settle.event import Mismatch, Settled, Settling
from service.sessions.operations.settle.fields import (
    ids_of,
    learned,
    paid_by,
    put,
    told_again,
)
from service.sessions.operations.settle.reviews import foreign, is_wanted, mismatch, to_review
from service.sessions.operations.settle.standing import stand
from service.sessions.states import SETTLED, Status
from service.storage.database import Row

# Money of the session's own all the same: it is under way, and a person decides what to do of it.
_OF_THE_SESSION = frozenset({None, Mismatch.AMOUNT, Mismatch.CURRENCY})


async def payment_succeeded(
    doing: Settling, session: Session, payment: Payment, recorded: Recorded
) -> Settled:
    """Complete the session, or send what does not fit to review.

    What does not fit is reviewed whatever came before: a payment may be told with two amounts.
    """
    payment_id = payment.provider_payment_id
    by_this = session.status is Status.COMPLETED and session.provider_payment_id == payment_id
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong is None and session.status is Status.COMPLETED and not by_this:
        wrong = Mismatch.SECOND
    if wrong is not None:
        if wrong in _OF_THE_SESSION:
            session = await _attempt(doing, session, payment, recorded, {})
        return await to_review(doing, session, wrong)
    if by_this:
        return Settled(await put(doing, session, told_again(doing, session, payment)))
    ids = paid_by(doing, session, payment)
    return Settled(await complete(doing, session, payment_id, ids))


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
    ids = ids_of(session, fact.checkout_ref, fact.customer_id)
    return Settled(await complete(doing, session, None, ids))


async def payment_underway(
    doing: Settling, session: Session, payment: Payment, recorded: Recorded
) -> Settled:
    """Note that money is under way or held; one that is held and fits is claimed for capture.

    Also where it has gone on since: what does not fit is reviewed in any order.
    """
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong in _OF_THE_SESSION:
        ids = learned(session, payment) if wrong is None else {}
        session = await _attempt(doing, session, payment, recorded, ids)
    return Settled(session) if wrong is None else await to_review(doing, session, wrong)


async def payment_failed(
    doing: Settling, session: Session, payment: Payment, recorded: Recorded
) -> Settled:
    """Note that an attempt failed: the session waits for it no longer."""
    if foreign(session, doing.event):
        return Settled(session)
    ids = learned(session, payment)
    if recorded.status in LIVE:  # it has come back since
        return Settled(await put(doing, session, ids))
    return Settled(await _attempt(doing, session, payment, recorded, ids))


async def paid_partially(
    doing: Settling, session: Session, payment: Payment, recorded: Recorded
) -> Settled:
    """Send a part of the money to review: it completes nothing, and is waited for no longer.

    A stranger's was never waited for.
    """
    session = await _attempt(doing, session, payment, recorded, {})
    return await to_review(doing, session, doing.stranger or Mismatch.PARTIAL)


async def _attempt(
    doing: Settling, session: Session, payment: Payment, recorded: Recorded, ids: Row
) -> Session:
    """Count a payment among those under way, or no longer, as the ledger has it by now.

    Money of another amount is not waited for: it completes nothing unless a person accepts it.
    """
    if session.status in SETTLED:
        return await put(doing, session, ids)
    payment_id = payment.provider_payment_id
    others = {*session.live_attempts} - {payment_id}
    told = Standing(payment_id, PaymentStatus(recorded.status), recorded.amount, recorded.currency)
    wanted = is_wanted(session, payment_id, told.amount, told.currency)
    lives = told.status in LIVE and wanted
    claim = await claimed(doing.tx, session, told, others, doing.why.at)
    changes = ids | {"capturing": as_row(claim)}
    after = await stand(doing, session, others | {payment_id} if lives else others, changes)
    await tell_claim(doing.tx, session, after, told, doing.why.at)
    return after
