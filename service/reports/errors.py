"""What can be wrong with what is asked of reports."""

from service.analytics.errors import WrongQuestion


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
