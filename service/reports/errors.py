"""What can be wrong with what is asked of reports."""

from service.analytics.errors import WrongQuestion
from service.core.errors import Conflict


class NoSuchMonth(WrongQuestion):
    """A month is none, or is yet to come."""

    def __init__(self, message: str) -> None:
        """Say what to ask instead."""
        super().__init__("month", message)


class NoSuchWeek(WrongQuestion):
    """A day is none, or its week is yet to come."""

    def __init__(self, message: str) -> None:
        """Say what to ask instead."""
        super().__init__("week", message)


class ReportAltered(Conflict):
    """A closed report is not what was closed: somebody has written to the database."""

    code = "report_altered"

    def __init__(self, month: str, currency: str, what: str) -> None:
        """Say which one, and what tells so."""
        super().__init__(
            f"The report of {month} in {currency} is not what was closed: {what}. The trail has "
            "its hash, in report.closed; bring the row of `reports` back from a backup."
        )
