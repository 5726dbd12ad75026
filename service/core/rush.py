"""Whether a process is busy with the hot routes: then what nobody waits for gives way."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import TypeAlias

Carried: TypeAlias = Callable[[], tuple[int, int]]
"""Returns how many groups the hot routes have handed to the database so far, and of how many."""

CROWD = 4
"""Requests that come together are carried together: of so many a group the process is busy."""
CALM_AFTER_S = 0.25
"""So long after the last crowd it is busy no more: between two looks there may just be no group."""
_LOOKS_EVERY_S = 0.01


class Rush:
    """Whether requests of the hot routes wait for each other here, by how many come together."""

    def __init__(self, carried: Carried) -> None:
        """Begin as nobody waits."""
        self._carried = carried
        self._seen = carried()
        self._crowd_at = -math.inf
        self.is_on = False

    def look(self) -> bool:
        """Return whether the process is busy, by what was carried since the last look."""
        (groups, requests), self._seen = self._seen, self._carried()
        more_groups, more_requests = self._seen[0] - groups, self._seen[1] - requests
        if more_groups > 0 and more_requests >= CROWD * more_groups:
            self._crowd_at = time.monotonic()
        self.is_on = time.monotonic() - self._crowd_at < CALM_AFTER_S
        return self.is_on

    async def over(self, within_s: float) -> None:
        """Wait until it is over, so long at most."""
        until = time.monotonic() + within_s
        while self.look():
            left = until - time.monotonic()
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LOOKS_EVERY_S))
