"""Ask about a session that should have ended and still waits for a payment."""

from collections.abc import Collection, Sequence
from datetime import timedelta

from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.give_up import lapse_payment, note_still_live
from service.providers.base import VerifiedEvent
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.checkouts.unresolved.questions import Answers, Questions, take_answers
from service.sessions.checkouts.unresolved.reviews import open_review
from service.sessions.checkouts.unresolved.waiting import stop_waiting
from service.sessions.documents import Session
from service.sessions.operations.moving.move import Cause
from service.sessions.operations.reviewing.sync_reviews import resync_reviews
from service.sessions.states import Status
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction

# Unresolved for this long after the session's end and the last report: a person must look at it.
WAIT = timedelta(hours=24)


async def ask_about_session(session: Session, questions: Questions) -> int:
    """Ask about all checkouts and live payments of a session; return how many reviews it opened.

    A payment that no answer reports as under way is no longer waited for, and a session that waits
    for nothing goes back to pending. What can't be resolved goes to review, a day after the
    session's end.
    """
    services = questions.services
    async with answers_in_time():
        before = await _live_of(session, NO_TRANSACTION)
    refs = refs_of(session, before)
    answers = await questions.ask(session.provider, refs)
    await take_answers(answers, session.merchant_id, services)
    unresolved = await _note(session, before, answers, services)
    if not answers.cover(refs):
        return 0
    long_ago = services.clock.now() - WAIT
    opened = 0
    for payment in unresolved:
        # Money may reach a session that ended long before: the silence is counted from then.
        if max(session.expires_at, payment.updated_at) <= long_ago:
            opened += await open_review(session, payment, services)
    return opened


def refs_of(session: Session, live: Sequence[Payment]) -> list[str]:
    """Return all ids by which the provider may know what is under way: payments, then checkouts."""
    checkouts = [checkout.ref for checkout in reversed(session.checkouts)]
    named = [session.provider_session_id] if session.provider_session_id else []
    ids = [*session.live_attempts, *(payment.provider_payment_id for payment in live)]
    return list(dict.fromkeys([*ids, *checkouts, *(named if not checkouts else [])]))


async def _note(
    session: Session, before: Sequence[Payment], answers: Answers, services: CheckoutServices
) -> list[Payment]:
    """Record what the answers mean for each payment; return those that remain unresolved."""
    all_answered = not answers.silent and answers.cover(refs_of(session, before))
    unresolved: list[Payment] = []

    async def work(tx: Transaction) -> None:
        unresolved.clear()
        found = await sessions.find_within(tx, session.merchant_id, session.session_id)
        if found is None:
            return
        live = await _live_of(found, tx)
        # An event that arrived after the question was asked is newer than the answer.
        untold = [one for one in live if one in before and one not in answers]
        lapsed = await _lapse(tx, found, untold, answers, services)
        unresolved.extend(one for one in untold if one not in lapsed)
        # Its provider may yet report one that we don't know of: it has a day to do so.
        patient = services.clock.now() < found.expires_at + WAIT
        if found.live_attempts or all_answered or not patient:
            waits = {one.provider_payment_id for one in live if one not in lapsed}
            await _wait_for(tx, found, waits, answers, services)

    await in_transaction(work)
    await _note_heard([one for one in before if one in answers], services)
    return unresolved


async def note_answer(
    session: Session, ref: str, event: VerifiedEvent, services: CheckoutServices
) -> None:
    """Record what the answer about one checkout means for the payments that were made in it.

    Nothing if an event has changed the session since the question was asked.
    """
    answers = Answers({ref: event})

    async def work(tx: Transaction) -> None:
        found = await sessions.find_within(tx, session.merchant_id, session.session_id)
        if found is None or found.version != session.version:
            return
        if found.status is not Status.PROCESSING:
            return
        live = await _live_of(found, tx)
        untold = [one for one in live if one not in answers]
        lapsed = await _lapse(tx, found, untold, answers, services)
        if found.live_attempts or {ref} >= {checkout.ref for checkout in found.checkouts}:
            waits = {one.provider_payment_id for one in live if one not in lapsed}
            await _wait_for(tx, found, waits, answers, services)

    await in_transaction(work)


async def _live_of(session: Session, tx: Transaction) -> list[Payment]:
    """Return the session's payments whose outcome is open, and those that it waits for.

    These it need not have claimed: a payment that is only held claims nothing.
    """
    own = await payments.live_of_session(session.merchant_id, session.session_id, tx)
    known = {payment.provider_payment_id for payment in own}
    others = [one for one in session.live_attempts if one not in known]
    if not others:
        return own
    return own + await payments.live_named(session.provider, session.account, others, tx)


async def _lapse(
    tx: Transaction,
    session: Session,
    untold: Sequence[Payment],
    answers: Answers,
    services: CheckoutServices,
) -> list[Payment]:
    lapsed = [one for one in untold if _is_answered(session, one, answers)]
    for one in lapsed:
        await lapse_payment(tx, one, services.clock.now(), services.rules.heard)
    return lapsed


async def _wait_for(
    tx: Transaction,
    session: Session,
    waits: Collection[str],
    answers: Answers,
    services: CheckoutServices,
) -> None:
    by = session.provider if answers.events else "clock"
    cause = Cause(by, services.clock.now(), reason="asked: no payment is under way")
    session = await stop_waiting(tx, session, waits, cause, services)
    if session.review is not None:
        await resync_reviews(tx, session, services.inbox)


async def _note_heard(under_way: Sequence[Payment], services: CheckoutServices) -> None:
    async with answers_in_time():
        for payment in under_way:
            await note_still_live(payment, services.clock.now())


def _is_answered(session: Session, payment: Payment, answers: Answers) -> bool:
    """Return whether the answers are about a payment: by itself, or by the checkout it was made in.

    Where the provider does not know it by its own id, all checkouts of the session speak for it.
    """
    one, checkout = payment.provider_payment_id, payment.provider_session_id
    if one in answers.events or checkout in answers.events:
        return True
    checkouts: set[str | None] = {opened.ref for opened in session.checkouts}
    asked = checkouts or {session.provider_session_id}
    return one not in answers.silent and asked <= answers.events.keys()
