"""What is to be deleted, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from service.jobs.operations.job import Report

LEASE_NAME: Final = "intents-cleanup"
"""The job's name: a person who cleans up and the job never do it at once."""
EMERGENCY_DAYS: Final = 30
"""How many days an emergency leaves."""


class Order(Struct, frozen=True):
    """What is to be deleted: a merchant's leads that were left before a time."""

    before: datetime
    dry_run: bool
    archive: bool
    compress: bool = False


class Cleaned(Struct, frozen=True):
    """What came of an order. `remaining` are those that another call will find."""

    found: int
    deleted: int = 0
    archived: int = 0
    files: Sequence[str] = ()

    @property
    def remaining(self) -> int:
        """Return how many were found and not deleted."""
        return max(0, self.found - self.deleted)


class CleanupReport(Report):
    """How many leads of all merchants were deleted, and archived before."""

    changes = frozenset({"deleted"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.deleted = 0
        self.archived = 0
