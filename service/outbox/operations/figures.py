"""Tell how much waits, for /metrics."""

from collections.abc import Sequence

from service.core.clock import Clock
from service.core.measures import Figure
from service.outbox import repository
from service.storage.answering import answers_in_time


async def outbox_figures(clock: Clock) -> Sequence[Figure]:
    """Return what waits to be dispatched, what waits in each lane, and what was given up.

    Raises `Unavailable`.
    """
    async with answers_in_time():
        undispatched = await repository.undispatched_depth(clock)
        lanes = await repository.lane_depths(clock)
        dead = await repository.count_dead()
    return (
        Figure(
            "tillgate_messages_undispatched",
            "Messages of the outbox of which no deliveries were made yet",
            ("topic",),
            {(one.name,): one.count for one in undispatched},
        ),
        Figure(
            "tillgate_messages_undispatched_oldest_seconds",
            "Age of the oldest of them",
            ("topic",),
            {(one.name,): one.oldest_s for one in undispatched},
        ),
        Figure(
            "tillgate_lane_waiting",
            "Deliveries that wait in a lane, due or not",
            ("lane",),
            {(one.name,): one.count for one in lanes},
        ),
        Figure(
            "tillgate_lane_oldest_seconds",
            "Age of the oldest of them",
            ("lane",),
            {(one.name,): one.oldest_s for one in lanes},
        ),
        Figure(
            "tillgate_deliveries_dead",
            "Deliveries that were given up, by subscriber",
            ("subscriber",),
            {(name,): count for name, count in dead.items()},
        ),
    )
