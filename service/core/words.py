"""Moments, spans and counts as people read them, on pages and on the command line."""

from datetime import datetime, timedelta


def age(span: timedelta) -> str:
    """Return how long something has lasted, in its largest unit: `12 min`."""
    seconds = max(int(span.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def moment(at: datetime) -> str:
    """Return a time to the second: `2026-11-21 12:00:00 UTC`."""
    return f"{at:%F %T} UTC"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return how many there are of something: `1 event`, `2 deliveries`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
