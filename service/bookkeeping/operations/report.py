"""What the jobs of this room report."""

from service.jobs.operations.job import Report


class PostingReport(Report):
    """How many entries were posted, for how many payments that something had changed about."""

    changes = frozenset({"entries_posted"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.payments = 0
        self.entries_posted = 0


class CheckReport(Report):
    """How much of the books was compared, and what was found wrong."""

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.payments = 0
        self.entries = 0
        self.faults = 0
