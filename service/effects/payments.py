"""What the facts about a payment write: the ledger's row, and then what its session makes of it."""

from functools import partial
from typing import assert_never

from service.effects.applying import Applied, Applying, SessionStep
from service.effects.carrying import follow, is_followed, is_sold_now, post_anew
from service.effects.decided import decided_money_came
from service.effects.fields import ids_learned, ids_reported_again, known_payment, paid_by
from service.effects.ledger import attempt_of, reported_in
from service.effects.ownership import check_ownership
from service.effects.reviewing import foreign, mismatch, to_review
from service.effects.subscriptions import reported_of_invoice
from service.effects.under_way import count_under_way
from service.payments.attempts.operations.record import record_attempt
from service.payments.payments.operations.record import Recorded, record_payment
from service.payments.payments.states import LIVE, PaymentStatus
from service.providers import facts
from service.sessions.documents import Session
from service.sessions.operations.moving.by_facts import put
from service.sessions.operations.moving.complete import complete
from service.sessions.operations.reviewing.decisions import decision_on
from service.sessions.states import Mismatch, Status

# Money of the session's own all the same: it is under way, and a person decides what to do of it.
_OF_THE_SESSION = frozenset({None, Mismatch.AMOUNT, Mismatch.CURRENCY})


async def record_fact(
    doing: Applying, session: Session | None, fact: facts.PaymentFact
) -> SessionStep | None:
    """Write what is reported of a payment into its row; return what its session does with it.

    None for a renewal of a subscription: it is of who began that, and pays no session.
    """
    match fact:
        case facts.PaymentSucceeded():
            step = money_came
        case facts.PaymentAuthorized() | facts.PaymentProcessing():
            step = payment_underway
        case facts.PaymentFailed():
            step = payment_failed
        case facts.PaidPartially():
            step = part_came
        case _:
            assert_never(fact)
    if renews := doing.event.subject.renews:
        reported = await reported_of_invoice(doing, session, fact)
    else:
        reported = reported_in(doing, session, fact)
    if (attempt_id := attempt_of(fact)) is not None:
        await record_attempt(doing.tx, reported, attempt_id, doing.cause.at)
    recorded = await record_payment(doing.tx, reported, doing.cause.at)
    if is_followed(doing, reported, recorded):
        named = session.session_id if session and not renews else reported.session_id
        await follow(doing, reported, recorded, named)
    if renews or (session is None and _is_invoice(recorded)):
        return None
    return partial(step, payment=fact.payment, recorded=recorded)


async def money_came(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Take money as a person has decided about it, or else as it fits the session."""
    doing = check_ownership(doing, session, recorded)
    payment = known_payment(payment, recorded)
    decided = decision_on(session, payment.provider_payment_id)
    if decided is not None:
        after = await decided_money_came(doing, session, payment, decided)
    else:
        after = await payment_succeeded(doing, session, payment, recorded)
    if is_sold_now(session, after, recorded):
        await post_anew(doing, payment.provider_payment_id)
    return after


async def part_came(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Take a part of the money as a person has decided about it; else that is yet to be done."""
    doing = check_ownership(doing, session, recorded)
    decided = decision_on(session, payment.provider_payment_id)
    if decided is not None:
        return await decided_money_came(doing, session, known_payment(payment, recorded), decided)
    return await paid_partially(doing, session, payment, recorded)


async def payment_succeeded(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Complete the session, or send what does not fit to review.

    What does not fit is reviewed whatever came before: a payment may be reported with two amounts.
    """
    payment_id = payment.provider_payment_id
    by_this = session.status is Status.COMPLETED and session.provider_payment_id == payment_id
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong is None and session.status is Status.COMPLETED and not by_this:
        wrong = Mismatch.SECOND
    if wrong is not None:
        if wrong in _OF_THE_SESSION:
            session = await count_under_way(doing, session, payment, recorded, {})
        return await to_review(doing, session, wrong)
    if by_this:
        return Applied(await put(doing, session, ids_reported_again(doing, session, payment)))
    ids = paid_by(doing, session, payment)
    return Applied(await complete(doing, session, payment_id, ids))


async def payment_underway(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Note that money is under way or held; one that is held and fits is claimed for capture.

    Also where it has gone on since: what does not fit is reviewed in any order. An invoice may have
    been paid before its checkout said that it pays it: then the money has come.
    """
    if recorded.status is PaymentStatus.SUCCEEDED and recorded.subscription_id is not None:
        return await money_came(doing, session, payment, recorded)
    doing = check_ownership(doing, session, recorded)
    wrong = mismatch(doing, session, payment.amount, payment.currency)
    if wrong in _OF_THE_SESSION:
        ids = ids_learned(session, payment) if wrong is None else {}
        session = await count_under_way(doing, session, payment, recorded, ids)
    return Applied(session) if wrong is None else await to_review(doing, session, wrong)


async def payment_failed(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Note that an attempt failed: the session waits for it no longer.

    A stranger's was never waited for.
    """
    if check_ownership(doing, session, recorded, ask=False).stranger is not None:
        return Applied(session)
    if foreign(session, doing.event):
        return Applied(session)
    ids = ids_learned(session, payment)
    if recorded.status in LIVE:  # it has come back since
        return Applied(await put(doing, session, ids))
    return Applied(await count_under_way(doing, session, payment, recorded, ids))


async def paid_partially(
    doing: Applying, session: Session, payment: facts.Payment, recorded: Recorded
) -> Applied:
    """Send a part of the money to review: it completes nothing, and is waited for no longer.

    A stranger's was never waited for.
    """
    session = await count_under_way(doing, session, payment, recorded, {})
    return await to_review(doing, session, doing.stranger or Mismatch.PARTIAL)


def _is_invoice(recorded: Recorded) -> bool:
    """Return whether a payment is known as one of a subscription, and whose that is."""
    return recorded.subscription_id is not None and recorded.claimed_by is not None
