"""The jobs of this room: what they do, when they are called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.jobs.operations.job import About, Job
from service.retention.operations.cleanup import clean_up, deliver_all, retry_all
from service.retention.operations.counting import count_cleanup, count_events, count_outbox
from service.retention.operations.peppers import count_on_older_peppers
from service.retention.operations.report import (
    CleanupReport,
    DeliveryReport,
    Jobs,
    PepperReport,
    RetryReport,
)

CLEANUP = About(
    "cleanup",
    "all of it: expires, retries, delivers, and deletes what was kept long enough",
    every=timedelta(minutes=5),
    path="/api/cleanup-sessions",
)
# The server does the next two by itself.
OUTBOX = About("outbox", "delivers due messages: captures, closed checkouts")
EVENTS = About("events", "applies waiting events again")
PEPPERS = About(
    "peppers", "counts what still depends on older entries of PII_PEPPER; changes nothing"
)

ABOUT: Sequence[About] = (CLEANUP, OUTBOX, EVENTS, PEPPERS)


def retention_jobs(needs: Jobs) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    count_peppers = partial(count_on_older_peppers, needs)  # it only counts
    return (
        Job(CLEANUP, CleanupReport, partial(clean_up, needs), partial(count_cleanup, needs)),
        Job(OUTBOX, DeliveryReport, partial(deliver_all, needs), partial(count_outbox, needs)),
        Job(EVENTS, RetryReport, partial(retry_all, needs), partial(count_events, needs)),
        Job(PEPPERS, PepperReport, count_peppers, count_peppers),
    )
