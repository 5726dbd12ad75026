"""Tell how many mails wait, and how many reached nobody, for /metrics."""

from collections.abc import Sequence

from service.core.clock import Clock
from service.core.measures import Figure
from service.notifications.mail import repository
from service.notifications.mail.states import UNDELIVERED
from service.storage.answering import answers_in_time


async def mail_figures(clock: Clock) -> Sequence[Figure]:
    """Return what waits to be mailed, and what was given up, of all merchants.

    Raises `Unavailable`.
    """
    async with answers_in_time():
        count, oldest_s = await repository.waiting(clock)
        undelivered = await repository.count_undelivered()
    counts = dict.fromkeys(UNDELIVERED, 0) | undelivered
    return (
        Figure("tillgate_mails_waiting", "Mails that wait to be sent", (), {(): count}),
        Figure("tillgate_mails_oldest_seconds", "Age of the oldest of them", (), {(): oldest_s}),
        Figure(
            "tillgate_mails_undelivered",
            "Mails that are kept and reached nobody, as far as is known",
            ("status",),
            {(status,): n for status, n in counts.items()},
        ),
    )
