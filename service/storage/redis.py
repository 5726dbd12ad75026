"""A Redis that may be away: nothing that is kept there is worth waiting for."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar

import coredis
import structlog
from coredis.exceptions import RedisError
from limits.errors import StorageError

from service.core.clock import Clock
from service.core.errors import Misconfigured

WITHIN_S = 0.25
_LEFT_ALONE_FOR: Final = timedelta(seconds=5)
_WARNED_EVERY: Final = timedelta(minutes=1)

T = TypeVar("T")

_log = structlog.get_logger("tillgate.redis")


class Reach:
    """Asks Redis, and goes on without an answer.

    After a failure it is left alone for some seconds, so that not every request waits for it.
    """

    def __init__(self, clock: Clock, says: str) -> None:
        """Begin with a Redis that is believed to be there; `says` is what is logged if not."""
        self._clock, self._says = clock, says
        self._again_at = self._warn_at = clock.now()

    async def ask(self, question: Callable[[], Awaitable[T]], unless: T) -> T:
        """Return the answer, or `unless` where there is none in a quarter of a second."""
        if self._clock.now() < self._again_at:
            return unless
        try:
            async with asyncio.timeout(WITHIN_S):
                return await question()
        except (StorageError, RedisError, TimeoutError, OSError) as error:
            self._note_failure(error)
            return unless

    def _note_failure(self, error: Exception) -> None:
        now = self._clock.now()
        self._again_at = now + _LEFT_ALONE_FOR
        if now >= self._warn_at:
            self._warn_at = now + _WARNED_EVERY
            _log.warning(f"{self._says}: redis does not answer", reason=type(error).__name__)


def require_redis_url(url: str) -> None:
    """Refuse an address that is none of Redis. Raises `Misconfigured`."""
    if not url.startswith(("redis://", "rediss://")):
        raise Misconfigured("REDIS_URL takes redis://… or rediss://…")


def redis_at(url: str) -> coredis.Redis[bytes]:
    """Return a client; nothing is connected yet. Raises `Misconfigured`."""
    require_redis_url(url)
    try:
        client: coredis.Redis[bytes] = coredis.Redis.from_url(url, max_connections=16)
    except (ValueError, RedisError) as error:
        raise Misconfigured("REDIS_URL takes an address like redis://host:6379/0") from error
    return client
