"""Who hears what: a name in the wiring, never an address."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from msgspec import Struct

from service.outbox.documents import Delivery, OutboxMessage

Handle: TypeAlias = Callable[[Delivery, OutboxMessage], Awaitable[None]]


def nowhere(message: OutboxMessage) -> str:
    """Return the destination of all messages of a subscriber that has one lane."""
    return ""


def all_of_them(message: OutboxMessage) -> bool:
    """Return that a subscriber wants a message: it hears whatever its topics bring."""
    return True


def never() -> bool:
    """Return that a subscriber never waits: it is given what is due as soon as it is."""
    return False


class Subscriber(Struct, frozen=True):
    """Hears messages of some topics from its birth on; `always`: from the first one on.

    The latter is for commands: they are written for it, also by a process that never dispatches.
    `handle` is given a delivery and its message; it may be called twice for one, and raises what
    makes it be called again later. Deliveries to one `destination` are a lane: what hangs in one
    holds up no other. `at_once` of them are under way in a lane. What it surely does not `want`
    makes no delivery: where nothing is configured, it costs nothing. While it `waits`, a serving
    process gives it nothing more: for who passes on what it hears, and has enough to pass on.
    `at_dispatch`: it is given a message as that is dispatched, since all that it does is to write
    what waits for others; its deliveries are rows that are done, and only what failed waits.
    """

    name: str
    topics: frozenset[str]
    handle: Handle
    destination: Callable[[OutboxMessage], str] = nowhere
    at_once: int = 1
    always: bool = False
    wants: Callable[[OutboxMessage], bool] = all_of_them
    waits: Callable[[], bool] = never
    at_dispatch: bool = False


Subscribers: TypeAlias = Sequence[Subscriber]


def lane_of(name: str, destination: str = "") -> str:
    """Return the name of a lane."""
    return f"{name}:{destination}"


def subscriber_of(lane: str) -> str:
    """Return whose lane it is."""
    return lane.partition(":")[0]


def topics_of(subscribers: Subscribers) -> frozenset[str]:
    """Return all that somebody hears."""
    return frozenset(topic for one in subscribers for topic in one.topics)
