"""Tell how much waits, for /metrics and the page of operations."""

from collections.abc import Sequence

from msgspec import Struct

from service.core.clock import Clock
from service.core.measures import Figure
from service.outbox import repository
from service.outbox.repository import Depth
from service.storage.answering import answers_in_time


class Waiting(Struct, frozen=True):
    """What waits: messages that are not dispatched, by topic, and deliveries, by lane."""

    undispatched: Sequence[Depth]
    lanes: Sequence[Depth]


async def waiting(clock: Clock) -> Waiting:
    """Return what waits in the outbox, of all merchants. Raises `Unavailable`."""
    async with answers_in_time():
        undispatched = await repository.undispatched_depth(clock)
        return Waiting(undispatched, await repository.lane_depths(clock))


async def outbox_figures(clock: Clock) -> Sequence[Figure]:
    """Return what waits to be dispatched, what waits in each lane, and what was given up.

    Raises `Unavailable`.
    """
    found = await waiting(clock)
    undispatched, lanes = found.undispatched, found.lanes
    async with answers_in_time():
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
