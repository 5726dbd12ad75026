"""The job of this room: what it does, when it is called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.jobs.operations.job import About, Job
from service.payments.subscriptions.sending.read import (
    SubscriptionsReport,
    count_overdue,
    read_overdue,
)
from service.payments.subscriptions.sending.services import SubscriptionServices

SUBSCRIPTIONS = About(
    "subscriptions",
    "reads subscriptions that could not be read for an hour, or of which nobody told",
    every=timedelta(hours=1),
)

ABOUT: Sequence[About] = (SUBSCRIPTIONS,)


def subscription_jobs(services: SubscriptionServices) -> Sequence[Job[Any]]:
    """Return the job of this room, with what it needs."""
    work, count = partial(read_overdue, services), partial(count_overdue, services)
    return (Job(SUBSCRIPTIONS, SubscriptionsReport, work, count),)
