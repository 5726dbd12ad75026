"""Ask the providers about what is said to be under way and should be over."""

from datetime import datetime

from service.core.batches import Until
from service.payments.payments import repository as payments
from service.retention.operations.report import CleanupReport
from service.sessions import repository as sessions
from service.sessions.checkouts.services import CheckoutServices
from service.sessions.checkouts.unresolved.overdue import ask_about_session
from service.sessions.checkouts.unresolved.questions import Questions
from service.sessions.checkouts.unresolved.silent import GIVE_UP_AFTER, ask_once_more
from service.storage.answering import answers_in_time

_AT_ONCE = 50
# A provider that hangs must not keep a run from all that needs no provider.
_ASK_FOR_S = 15.0


async def ask_about_overdue(
    services: CheckoutServices, report: CleanupReport, until: Until
) -> None:
    """Ask about overdue sessions whose payment is said to be under way.

    One without a live payment goes back to pending. Those that were asked about longest ago come
    first, so that some that never answer don't keep out the others.
    """
    async with answers_in_time():
        overdue = await sessions.find_overdue_processing(services.clock.now(), _AT_ONCE)
    questions = Questions(services, until.at_most(_ASK_FOR_S))
    for session in overdue:
        if questions.over:
            break
        report.asked += 1
        async with answers_in_time():
            await sessions.note_asked(session, services.clock.now())
        report.unresolved += await ask_about_session(session, questions)


async def ask_about_silent(services: CheckoutServices, report: CleanupReport, until: Until) -> None:
    """Ask once more about payments that nobody has reported for 30 days, and give them up."""
    async with answers_in_time():
        silent = await payments.find_silent(services.clock.now() - GIVE_UP_AFTER, _AT_ONCE)
    questions = Questions(services, until.at_most(_ASK_FOR_S))
    for payment in silent:
        if questions.over:
            break
        report.asked += 1
        report.abandoned += await ask_once_more(payment, questions)


async def count_asked(now: datetime) -> int:
    """Count what a run would ask about."""
    overdue = await sessions.count_overdue_processing(now)
    return overdue + await payments.count_silent(now - GIVE_UP_AFTER)
