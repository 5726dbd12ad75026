"""Give up a payment that has been silent for long, after asking about it one last time."""

from datetime import timedelta

from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.give_up import abandon_payment, note_still_live
from service.payments.payments.states import LIVE
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.checkouts.unresolved.questions import Questions, take_answers
from service.sessions.checkouts.unresolved.waiting import stop_waiting
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.reviewing.sync_reviews import resync_reviews
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# Longer than any provider takes for anything: Stripe lists its events for this long.
GIVE_UP_AFTER = timedelta(days=30)


async def ask_once_more(payment: Payment, questions: Questions) -> bool:
    """Ask about a payment that has been silent for long, and give it up; return whether it was.

    Only money overrules that: any other later report about the payment is ignored.
    """
    services = questions.services
    checkout = payment.provider_session_id
    refs = [payment.provider_payment_id, *([checkout] if checkout else [])]
    answers = await questions.ask(payment.provider, dict.fromkeys(refs))
    if not answers.cover(refs):
        return False
    await take_answers(answers, payment.merchant_id, services)
    if payment in answers:
        async with answers_in_time():
            await note_still_live(payment, services.clock.now())
        return False
    return await _give_up(payment, services)


async def _give_up(payment: Payment, services: CheckoutServices) -> bool:
    now = services.clock.now()

    async def work(tx: Transaction) -> bool:
        known = await payments.find(
            payment.provider, payment.account, payment.provider_payment_id, tx
        )
        if known != payment or payment.status not in LIVE:
            return False  # reported since
        await abandon_payment(tx, payment, now, services.rules.heard)
        session = await sessions.find_within(tx, payment.merchant_id, payment.session_id or "")
        if session is not None:
            waits = {*session.live_attempts} - {payment.provider_payment_id}
            cause = Cause(
                "clock", now, reason=f"payment {payment.provider_payment_id} was abandoned"
            )
            session = await stop_waiting(tx, session, waits, cause, services)
            await resync_reviews(tx, session, services.inbox)
        return True

    return await in_transaction(work)
