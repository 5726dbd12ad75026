"""Where requests are counted: in this process, or in Redis for all processes together."""

from typing import Protocol

from limits.aio.storage import Storage
from limits.errors import ConfigurationError
from limits.storage import storage_from_string

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.storage.redis import Reach, require_redis_url

WINDOW_S = 60
MOST_COUNTED = 100_000


class Counter(Protocol):
    """Counts the requests of a name in a window."""

    async def count(self, name: str, window: int) -> int:
        """Count one more and return how many there were in the window; 0 if unknown."""
        ...


class MemoryCounter:
    """Counts in this process.

    `limits` has a memory storage too, but each hit walks over everything that it counts, so that
    many addresses slow down every request. Here a finished window is dropped as a whole, and at
    most `MOST_COUNTED` names are counted in one; later ones pass.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._window = 0
        self._counts: dict[str, int] = {}

    async def count(self, name: str, window: int) -> int:
        """Count one more and return how many there were."""
        if window != self._window:
            self._window, self._counts = window, {}
        counted = self._counts.get(name)
        if counted is None and len(self._counts) >= MOST_COUNTED:
            return 0
        self._counts[name] = counted = (counted or 0) + 1
        return counted


class RedisCounter:
    """Counts in Redis. If it is down, requests pass: a limit must not block checkouts."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        """Count in a storage of `limits`."""
        self._storage = storage
        self._redis = Reach(clock, "rate limits are off")

    async def count(self, name: str, window: int) -> int:
        """Count one more and return how many there were, 0 while Redis is down."""
        return await self._redis.ask(
            lambda: self._storage.incr(f"{name}/{window}", 2 * WINDOW_S), unless=0
        )


def counter(redis_url: str | None, clock: Clock) -> Counter:
    """Build the counter for the settings. Raises `Misconfigured`."""
    if redis_url is None:
        return MemoryCounter()
    require_redis_url(redis_url)
    try:
        storage = storage_from_string(f"async+{redis_url}", wrap_exceptions=True)
    except ConfigurationError as error:
        raise Misconfigured("REDIS_URL takes an address like redis://host:6379/0") from error
    if not isinstance(storage, Storage):
        raise Misconfigured("REDIS_URL can't be used asynchronously")
    return RedisCounter(storage, clock)
