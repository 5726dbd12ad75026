"""The jobs of this room: what they do, when they are called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.bookkeeping.operations.check import check_books
from service.bookkeeping.operations.post import count_changes, post_changes
from service.bookkeeping.operations.report import CheckReport, PostingReport
from service.core.clock import Clock
from service.jobs.operations.job import About, Job

POSTING = About(
    "entries", "posts the entries of what has changed in the ledger", every=timedelta(minutes=5)
)
CHECK = About(
    "ledger-check",
    "compares all entries with the ledger; changes nothing",
    every=timedelta(days=1),
)

ABOUT: Sequence[About] = (POSTING, CHECK)


def bookkeeping_jobs(clock: Clock) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    return (
        Job(POSTING, PostingReport, partial(post_changes, clock), count_changes),
        Job(CHECK, CheckReport, check_books, check_books),
    )
