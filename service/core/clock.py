"""The one source of time: aware UTC, cut to the millisecond that BSON keeps."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeAlias

# Year bounds that survive a shift by any UTC offset, in Python and in BSON.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)


DatabaseNow: TypeAlias = datetime | Literal["$$NOW"]
"""The present moment as an expression of the database: its own clock, or a moment that is given."""


class Clock(Protocol):
    """Tells the time; injected, so that a test can hold or move it."""

    def now(self) -> datetime:
        """Return the present moment, aware UTC, whole milliseconds."""
        ...

    def in_database(self) -> DatabaseNow:
        """Return the expression by which the database compares times of several processes."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present moment, aware UTC, whole milliseconds."""
        return _cut(datetime.now(UTC))

    def in_database(self) -> DatabaseNow:
        """Return the database's own clock, which is the same for all processes."""
        return "$$NOW"


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        """Start at `start`."""
        self._now = to_milliseconds(start)

    def now(self) -> datetime:
        """Return the moment at which the clock stands."""
        return self._now

    def in_database(self) -> DatabaseNow:
        """Return the moment at which the clock stands: the database's own is no part of a test."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move the clock forward and return the new moment."""
        self._now = to_milliseconds(self._now + by)
        return self._now


def to_milliseconds(moment: datetime) -> datetime:
    """Cut microseconds that BSON would drop, so that what is kept equals what was sent."""
    return _cut(moment.astimezone(UTC))


def _cut(moment: datetime) -> datetime:
    if not moment.microsecond:  # a provider's whole seconds
        return moment
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def from_unix(seconds: float) -> datetime:
    """Turn a provider's Unix seconds into an aware moment, clamped to what BSON can keep."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return LATEST if seconds > 0 else EARLIEST
    return min(max(_cut(moment), EARLIEST), LATEST)
