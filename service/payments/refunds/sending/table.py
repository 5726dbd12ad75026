"""The job of this room: what it does, when it is called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.jobs.operations.job import About, Job
from service.payments.refunds.sending.ask_again import (
    RefundsReport,
    ask_about_silent,
    count_silent,
)
from service.payments.refunds.sending.services import RefundServices

REFUNDS = About(
    "refunds", "asks about refunds that nobody reports for 12 hours", every=timedelta(hours=1)
)

ABOUT: Sequence[About] = (REFUNDS,)


def refund_jobs(services: RefundServices) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work, count = partial(ask_about_silent, services), partial(count_silent, services)
    return (Job(REFUNDS, RefundsReport, work, count),)
