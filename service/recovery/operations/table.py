"""The job of this room: what it does, when it is called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.jobs.operations.job import About, Job
from service.recovery.operations.remind import ReminderReport, remind
from service.recovery.operations.services import RecoveryServices

REMINDERS = About(
    "reminders",
    "reminds customers who left before they paid, where a merchant wants that and they agreed",
    every=timedelta(minutes=10),
)
ABOUT: Sequence[About] = (REMINDERS,)


def recovery_jobs(services: RecoveryServices) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    work = partial(remind, services)
    return (Job(REMINDERS, ReminderReport, work, work),)
