"""Clocks of processes on machines that don't agree about the time."""

from datetime import datetime, timedelta

from service.core.clock import DatabaseNow, SystemClock, to_milliseconds


class Shifted(SystemClock):
    """A machine's clock that is wrong; what the database is asked goes by the database's."""

    def __init__(self, by: timedelta) -> None:
        """Be wrong by so much."""
        self._by = by

    def now(self) -> datetime:
        """Return the wrong time."""
        return to_milliseconds(super().now() + self._by)


class Trusted(Shifted):
    """As it was before: the process tells the database what time it is."""

    def in_database(self) -> DatabaseNow:
        """Return the wrong time."""
        return self.now()
