"""What the inbox tells those who operate the service."""

from collections.abc import Sequence

from service.core.clock import Clock
from service.core.measures import Figure
from service.inbox import repository
from service.storage.answering import answers_in_time


async def open_events() -> list[repository.OpenEvents]:
    """Return what waits, was given up or needs a decision, of all merchants, the oldest first.

    Raises `Unavailable`.
    """
    async with answers_in_time():
        return sorted(await repository.count_open(), key=lambda one: one.since)


async def event_figures(clock: Clock) -> Sequence[Figure]:
    """Return the events that wait or need a decision, and how old the oldest are.

    Raises `Unavailable`.
    """
    found = await open_events()
    now = clock.now()
    by = ("provider", "status")
    return (
        Figure(
            "tillgate_events_open",
            "Events that wait to be tried again, were given up, or need a decision",
            by,
            {(row.provider, row.status): row.count for row in found},
        ),
        Figure(
            "tillgate_events_oldest_seconds",
            "Age of the oldest of them",
            by,
            {(row.provider, row.status): (now - row.since).total_seconds() for row in found},
        ),
    )
